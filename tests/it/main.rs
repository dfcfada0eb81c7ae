mod artifact;
mod figure;
