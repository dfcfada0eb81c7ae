
mod ingest;
