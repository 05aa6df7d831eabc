// SPDX-License-Identifier: MIT OR Apache-2.0
//! The format must not drift: these streams are part of it.

use super::*;

/// Reproducible without floating point.
fn symbols(rng: &mut Rng, w: usize, h: usize, density: usize) -> Plane {
    let mut value = |_| match rng.below(density) {
        0 => (rng.below(41) as i16 - 20) * if rng.below(50) == 0 { 300 } else { 1 },
        1 | 2 => rng.below(5) as i16 - 2,
        _ => 0,
    };
    let values: Vec<_> = (0..w * h).map(&mut value).collect();
    Plane::from_values(w, h, &values)
}

fn check(bytes: &[u8], length: usize, crc: u32) {
    assert_eq!((bytes.len(), crc32c::crc32c(bytes)), (length, crc), "the format has changed");
}

#[test]
fn planes() {
    let mut rng = Rng::new(41);
    let models = models(&mut rng);
    let mut planes = |w, h, n| (0..n).map(|t| symbols(&mut rng, w, h, 6 + t)).collect();
    let coarse = alone(PlaneKind::Canonical(1), planes(9, 7, 1));
    let mut fine = alone(PlaneKind::Canonical(0), planes(18, 13, 1));
    fine.parent = Some(Parent { series: 0, ratio: 2 });
    fine.model = Some((0, 1));
    let mut residual = alone(PlaneKind::Residual(0), planes(6, 5, 4));
    residual.model = Some((1, 0));
    let x = alone(PlaneKind::MotionX(0), planes(4, 4, 4));
    let mut y = alone(PlaneKind::MotionY(0), planes(4, 4, 4));
    y.sibling = Some(3);
    y.model = Some((1, 3));
    check(&round_trip(&[coarse, fine, residual, x, y], &models), 330, 4_124_102_774);
}

#[test]
fn tensors() {
    let mut rng = Rng::new(42);
    let values: Vec<i32> =
        (0..200).map(|i| (rng.below(2 * i + 1) as i32 - i as i32) << (i / 50 * 2)).collect();
    let mut e = RangeEncoder::new();
    encode_tensor(&values, &mut e);
    encode_tensor(&[1, -1, i32::MAX, i32::MIN], &mut e);
    let bytes = e.finish();
    let mut read = vec![0; 200];
    decode_tensor(&mut read, &mut RangeDecoder::new(&bytes)).unwrap();
    assert_eq!(read, values);
    check(&bytes, 291, 173_412_387);
}

#[test]
fn range_coder() {
    let mut e = RangeEncoder::new();
    (0..40u32).for_each(|i| e.bit(i % 3 == 0, if i % 3 == 0 { 50_000 } else { 1 + 800 * i }));
    e.raw(0xCAFE, 16);
    assert_eq!(e.finish(), [79, 53, 211, 246, 10]);
}

/// Sources of several levels and nodes in which planes of zeros stand beside others, as nodes
/// before, parents and siblings.
#[test]
fn planes_of_zeros_among_others() {
    let mut rng = Rng::new(43);
    let models = models(&mut rng);
    let mut of = |w: usize, h: usize, n: usize, zeros: usize| -> Vec<Plane> {
        let plane = |t: usize| match zeros >> t & 1 {
            0 => symbols(&mut rng, w, h, 5 + 3 * t),
            _ => Plane::new(w, h),
        };
        (0..n).map(plane).collect()
    };
    let parent = |series, ratio| Some(Parent { series, ratio });
    let mut all = vec![alone(PlaneKind::Residual(1), of(11, 9, 8, 0b0110_0101))];
    let mut fine = alone(PlaneKind::Residual(0), of(21, 18, 8, 0b1100_0110));
    (fine.parent, fine.model) = (parent(0, 2), Some((1, 2)));
    all.push(fine);
    for (level, size, zeros) in [(1, 5, [0b0001_1010, 0b1010_1001]), (0, 17, [0b0101_0011, 0b0110])]
    {
        let mut x = alone(PlaneKind::MotionX(level), of(size, size + 3, 8, zeros[0]));
        let mut y = alone(PlaneKind::MotionY(level), of(size, size + 3, 8, zeros[1]));
        if level == 0 {
            (x.parent, y.parent) = (parent(2, 4), parent(3, 4));
        }
        (x.model, y.model) = (Some((2, 0)), (level == 1).then_some((1, 4)));
        all.push(x);
        y.sibling = Some(all.len() - 1);
        all.push(y);
    }
    all.push(alone(PlaneKind::Canonical(0), of(30, 20, 1, 1)));
    check(&round_trip(&all, &models), 1452, 628_743_702);
}
