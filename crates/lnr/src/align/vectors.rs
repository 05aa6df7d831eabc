// SPDX-License-Identifier: MIT OR Apache-2.0

/// Scales a vector to length 1. A vector of zeros, or one whose length is no number, stays as it is.
pub fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
    if length > 0.0 && length.is_finite() {
        vector.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
    }
}

/// The cosine of the angle between two vectors of the same dimensions, -1..=1; 0 where one is all zeros.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths).clamp(-1.0, 1.0) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_compared_by_their_angle() {
        assert_eq!(cosine(&[2.0, 0.0], &[0.5, 0.0]), 1.0);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 3.0]), 0.0);
        assert!((cosine(&[1.0, 1.0], &[-1.0, 0.0]) + 0.5f32.sqrt()).abs() < 1e-6);
        assert_eq!(cosine(&[0.0; 2], &[1.0; 2]), 0.0);
    }

    #[test]
    fn lengths_become_one_where_there_is_a_length() {
        let mut v = [3.0, -4.0];
        normalise(&mut v);
        assert_eq!(v, [0.6, -0.8]);
        let mut zeros = [0.0; 3];
        normalise(&mut zeros);
        assert_eq!(zeros, [0.0; 3]);
    }
}
