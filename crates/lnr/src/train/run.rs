// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every training has in common: progress, cancellation, the measure of the error.

use crate::base::{Picture, Result};

/// What training reports after every step.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Steps done.
    pub step: u32,
    /// Steps in all.
    pub n_steps: u32,
    /// Mean squared error of recent steps, of components scaled to 0..=1, as [`super::Recipe::chroma`] has it.
    pub mse: f32,
}

/// Counts the steps and asks after each whether to go on.
pub(super) struct Steps<'a> {
    state: Report,
    /// Steps over which the error is averaged.
    window: usize,
    /// Steps whose error is known.
    n_known: u32,
    report: &'a mut dyn FnMut(&Report) -> Result<()>,
}

impl<'a> Steps<'a> {
    pub fn new(
        n_steps: u32,
        window: usize,
        report: &'a mut dyn FnMut(&Report) -> Result<()>,
    ) -> Self {
        Self { state: Report { step: 0, n_steps, mse: 0.0 }, window, n_known: 0, report }
    }

    /// Steps done.
    pub fn n_done(&self) -> u32 {
        self.state.step
    }

    /// Notes that a step was done, and the errors of steps that are known by now.
    pub fn done(&mut self, errors: &[f32]) -> Result<()> {
        let s = &mut self.state;
        let share = 1.0 / self.window.max(1) as f32;
        for &error in errors {
            s.mse = if self.n_known == 0 { error } else { s.mse + (error - s.mse) * share };
            self.n_known += 1;
        }
        s.step += 1;
        self.poll()
    }

    /// Asks whether to go on.
    pub fn poll(&mut self) -> Result<()> {
        (self.report)(&self.state)
    }
}

/// d^T form d is three times the error that an error d of the components counts as: the mean of the squares
/// of R'G'B', or with `chroma` that of luma plus so many times those of Cb and Cr.
pub(super) fn error_form(picture: &Picture, chroma: Option<[f32; 2]>) -> [[f32; 3]; 3] {
    let format = picture.format();
    let mut form = [[0.0; 3]; 3];
    if format.chroma.n_planes() == 1 {
        form[0][0] = 1.0;
        return form;
    }
    let mut m = format.color.to_rgb(format.depth, format.height);
    if let Some([blue, red]) = chroma {
        let to_ycc = format.color.matrix.from_rgb(format.height);
        let weights = [1.0, blue, red].map(|w| (3.0 * w).sqrt());
        m = std::array::from_fn(|i| {
            let component = |j: usize| (0..3).map(|k| to_ycc[i][k] * m[k][j]).sum::<f32>();
            [0, 1, 2].map(|j| weights[i] * component(j))
        });
    }
    for (i, row) in form.iter_mut().enumerate() {
        for (j, f) in row.iter_mut().enumerate() {
            *f = m.iter().map(|m| m[i] * m[j]).sum();
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, Matrix, PictureFormat};

    /// The error that an error of the components counts as.
    fn error(picture: &Picture, chroma: Option<[f32; 2]>, d: [f32; 3]) -> f32 {
        let form = error_form(picture, chroma);
        let products = |i: usize| (0..3).map(move |j| form[i][j] * d[i] * d[j]);
        (0..3).flat_map(products).sum::<f32>() / 3.0
    }

    #[test]
    fn grey_counts_the_same_and_chroma_as_it_is_weighted() {
        for (chroma, matrix) in [
            (Chroma::Yuv444, Matrix::Bt709),
            (Chroma::Yuv420, Matrix::Bt601),
            (Chroma::Rgb, Matrix::Rgb),
        ] {
            let mut format = PictureFormat::new(16, 16, chroma, 8);
            (format.color.matrix, format.color.full_range) = (matrix, true);
            let picture = Picture::new(format).unwrap();
            let is_rgb = chroma == Chroma::Rgb;
            let (grey, blue) = match is_rgb {
                true => ([0.1; 3], [0.0, -0.02 * 0.114 * 1.772 / 0.587, 0.02 * 1.772]),
                false => ([0.1, 0.0, 0.0], [0.0, 0.02, 0.0]),
            };
            for weights in [None, Some([0.7, 0.9])] {
                assert!((error(&picture, weights, grey) - 0.01).abs() < 1e-6);
            }
            let counted = error(&picture, Some([0.7, 0.9]), blue) / 4e-4;
            assert!((counted - 0.7).abs() < 1e-3, "{chroma:?}: {counted}");
            assert!(error(&picture, None, blue) / 4e-4 > 1.0);
        }
    }
}
