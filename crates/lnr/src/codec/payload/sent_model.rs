// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model that a source sends: whole, or in parts with steps of their own (FORMAT section 5.5).

use super::tensor;
use crate::backend::Grids;
use crate::base::Result;
use crate::base::spec::Precision;
use crate::bitstream::{EntropyModel, RangeDecoder, RangeEncoder};
use crate::model;
use crate::train::Quantised;

/// The entropy model of a source with these parts, at the finest of their steps.
pub fn put_together(source: &Grids, parts: &[Quantised]) -> EntropyModel {
    let e = model::entropy(source);
    let shift = parts.iter().map(|part| part.exponent).max().unwrap_or(0);
    let at_shift = |part: &Quantised| {
        let finer = shift - part.exponent;
        let (min, max) = (i32::MIN.into(), i32::MAX.into());
        let weight = move |v: &i32| (i64::from(*v) << finer).clamp(min, max) as i32;
        part.values.iter().map(weight).collect::<Vec<_>>()
    };
    let weights = parts.iter().flat_map(at_shift).collect();
    EntropyModel { before: e.before, extra: e.extra, shift, weights }
}

/// Writes the parts of the model of a source, as [`read`] reads them.
pub fn write(source: &Grids, parts: &[Quantised], precision: Precision, out: &mut RangeEncoder) {
    if precision == Precision::StepsByPart {
        return parts.iter().for_each(|part| tensor::write(part, precision, out));
    }
    let EntropyModel { shift, weights, .. } = put_together(source, parts);
    tensor::write(&Quantised { values: weights, exponent: shift }, precision, out);
}

/// Reads the model of a source.
///
/// # Errors
/// Those of [`tensor::read`].
pub fn read(source: &Grids, precision: Precision, from: &mut RangeDecoder) -> Result<EntropyModel> {
    let entropy = model::entropy(source);
    let lens = match precision {
        Precision::StepsByPart => entropy.parts().map(|part| part.len()).to_vec(),
        Precision::Steps | Precision::Uniform(_) => vec![entropy.len()],
    };
    let parts = lens.into_iter().map(|len| tensor::read(len, precision, from));
    Ok(put_together(source, &parts.collect::<Result<Vec<_>>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Shape;
    use crate::base::spec::samples::{EXTENT, grids};

    /// The model of canonical grids that has a part for each exponent and value.
    fn sent(numbers: [(u32, i32); 4], precision: Precision) -> (Vec<u8>, EntropyModel) {
        let shape = Shape::new(&grids(), &EXTENT).unwrap();
        let (_, source) = shape.grids().next().unwrap();
        let part = |(range, (exponent, value)): (std::ops::Range<usize>, (u32, i32))| Quantised {
            values: vec![value; range.len()],
            exponent,
        };
        let parts: Vec<Quantised> =
            model::entropy(source).parts().into_iter().zip(numbers).map(part).collect();
        let mut out = RangeEncoder::new();
        write(source, &parts, precision, &mut out);
        let bytes = out.finish();
        let read = read(source, precision, &mut RangeDecoder::new(&bytes)).unwrap();
        assert_eq!(read, put_together(source, &parts));
        (bytes, read)
    }

    #[test]
    fn parts_meet_at_the_finest_step() {
        let numbers = [(3, 5), (6, -7), (0, 0), (1, i32::MAX)];
        let (_, model) = sent(numbers, Precision::StepsByPart);
        assert_eq!(model.shift, 6);
        assert!(model.check(0).is_ok());
        let ends = [model.weights[0], model.weights[model.weights.len() - 1]];
        assert_eq!(ends, [5 << 3, i32::MAX]);
        for weight in [40, -7, 0, i32::MAX] {
            assert!(model.weights.contains(&weight), "{weight}");
        }
        assert_eq!(sent(numbers, Precision::Steps).1, model);
    }

    #[test]
    fn parts_of_zeros_cost_a_bit() {
        let (bytes, model) = sent([(0, 0); 4], Precision::StepsByPart);
        assert!(bytes.len() <= 1, "{bytes:?}");
        assert!(model.weights.iter().all(|w| *w == 0));
    }

    #[test]
    fn a_step_too_fine_is_damage() {
        let (_, model) = sent([(15, 1), (0, 0), (0, 0), (0, 0)], Precision::StepsByPart);
        assert!(model.check(0).is_err());
    }
}
