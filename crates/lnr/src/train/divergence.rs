// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers that are none end a training: what would come of them is no picture.

use super::Recipe;
use crate::base::{Error, Result};

/// # Errors
/// [`Error::Diverged`] where a number is none.
pub fn finite(what: &str, value: f64) -> Result<f64> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::Diverged(format!("{what} became {value}"))),
    }
}

/// Runs a training, and where it diverges once more at half the learning rates.
///
/// # Errors
/// Those of `train`, of the second run where there is one.
pub fn with_care<T>(recipe: &Recipe, train: &mut dyn FnMut(&Recipe) -> Result<T>) -> Result<T> {
    match train(recipe) {
        Err(Error::Diverged(_)) => train(&recipe.halved()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_diverges_is_tried_once_more_with_half_the_rates() {
        let recipe = Recipe::grids(1e-3, 4, 1);
        let mut rates = Vec::new();
        let mut run = |limit: f32| {
            rates.clear();
            let outcome = with_care(&recipe, &mut |r| {
                rates.push(r.network_rate);
                finite("the error", if r.network_rate > limit { f64::NAN } else { 0.5 })
            });
            (outcome, rates.len())
        };
        assert!(matches!(run(1.0), (Ok(_), 1)));
        assert!(matches!(run(0.6 * recipe.network_rate), (Ok(_), 2)));
        assert!(matches!(run(0.1 * recipe.network_rate), (Err(Error::Diverged(_)), 2)));
        let cancelled = with_care::<()>(&recipe, &mut |_| Err(Error::Cancelled));
        assert!(matches!(cancelled, Err(Error::Cancelled)));
    }
}
