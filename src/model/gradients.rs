//! Walks over the parameters of a network: norms of weights and gradients, and clipping over all parameters at once.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Draws the weights that have not been drawn yet.
pub(super) struct Touch;

impl ModuleVisitor for Touch {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

/// The L1 norm of all trained parameters, as a tensor that can be part of the loss.
pub(super) fn l1_norm<M: Module>(network: &M) -> Option<Tensor<1>> {
    struct Sum(Option<Tensor<1>>);
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                let norm = param.val().abs().sum();
                self.0 = Some(match self.0.take() {
                    Some(sum) => sum + norm,
                    None => norm,
                });
            }
        }
    }
    let mut sum = Sum(None);
    network.visit(&mut sum);
    sum.0
}

/// Scales all gradients by the same factor so that their norm over all parameters is at most `limit` (0: no limit), and returns the norm before.
///
/// burn clips each parameter by itself, which changes the direction of the step; this is what PyTorch's `clip_grad_norm_` does.
pub(super) fn clip<M: Module>(network: &M, gradients: &mut GradientsParams, limit: f64) -> f64 {
    struct Norm<'a> {
        gradients: &'a GradientsParams,
        squares: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                let square = gradient.square().sum();
                self.squares = Some(match self.squares.take() {
                    Some(squares) => squares + square,
                    None => square,
                });
            }
        }
    }
    struct Scale<'a> {
        gradients: &'a mut GradientsParams,
        factor: f64,
    }
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                self.gradients
                    .register(param.id, gradient.mul_scalar(self.factor));
            }
        }
    }
    let mut norm = Norm {
        gradients,
        squares: None,
    };
    network.visit(&mut norm);
    let norm = norm
        .squares
        .map_or(0.0, |squares| f64::from(squares.into_scalar::<f32>()).sqrt());
    if limit > 0.0 && norm > limit {
        network.visit(&mut Scale {
            gradients,
            factor: limit / norm,
        });
    }
    norm
}
