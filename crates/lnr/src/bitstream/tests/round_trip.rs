// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;

#[test]
fn planes_of_all_shapes_and_contents() {
    let mut rng = Rng::new(21);
    for (w, h) in [(1, 1), (1, 9), (13, 1), (2, 2), (3, 5), (33, 17), (64, 8)] {
        for n in [1, 2, 5] {
            let mut of = |make: &mut dyn FnMut(&mut Rng) -> Plane| {
                let planes = (0..n).map(|_| make(&mut rng)).collect();
                round_trip(&[alone(PlaneKind::Residual(1), planes)], &[]);
            };
            of(&mut |_| Plane::new(w, h));
            of(&mut |rng| noise(rng, w, h, 0.2));
            of(&mut |rng| noise(rng, w, h, 30.0));
            of(&mut |rng| smooth(rng, w, h, 2.0));
            of(&mut |rng| noise(rng, w, h, 1e5));
            for max in [1i16, 20, 21, 16_383] {
                of(&mut |_| Plane::from_values(w, h, &vec![max; w * h]));
                of(&mut |_| Plane::from_values(w, h, &vec![-max; w * h]));
                let board: Vec<_> =
                    (0..w * h).map(|i| if i % 2 == 0 { max } else { -max }).collect();
                of(&mut |_| Plane::from_values(w, h, &board));
                of(&mut |rng| {
                    let v: Vec<_> = (0..w * h).map(|_| max * (rng.below(9) / 8) as i16).collect();
                    Plane::from_values(w, h, &v)
                });
            }
        }
    }
}

#[test]
fn groups_with_parents_siblings_and_models() {
    let mut rng = Rng::new(22);
    let models = models(&mut rng);
    for (w, h, n) in [(1, 1, 1), (97, 61, 3), (70, 33, 9), (5, 130, 2)] {
        let mut series = group(&mut rng, w, h, n);
        let with = round_trip(&series, &models);
        series.iter_mut().for_each(|s| s.model = None);
        let without = round_trip(&series, &[]);
        assert_ne!(with, without);
        series.iter_mut().for_each(|s| s.parent = None);
        round_trip(&series, &[]);
    }
}

#[test]
fn parents_of_any_ratio_and_size() {
    let mut rng = Rng::new(23);
    for ratio in [1, 2, 3, 4, 5, 64, u32::MAX] {
        for (w, h) in [(1, 1), (4, 3), (40, 30)] {
            let parent = alone(PlaneKind::Canonical(1), vec![noise(&mut rng, w, h, 3.0)]);
            let mut child = alone(PlaneKind::Canonical(0), vec![noise(&mut rng, 15, 9, 3.0)]);
            child.parent = Some(Parent { series: 0, ratio });
            round_trip(&[parent, child], &[]);
        }
    }
}

#[test]
fn nothing_to_code() {
    assert!(round_trip(&[], &[]).is_empty());
    let none = alone(PlaneKind::Canonical(0), vec![]);
    assert!(round_trip(&[none], &[]).is_empty());
    let empty = alone(PlaneKind::Canonical(0), vec![Plane::new(0, 3), Plane::new(0, 3)]);
    round_trip(&[empty], &[]);
    let flat = alone(PlaneKind::MotionX(9), vec![Plane::new(3, 0)]);
    round_trip(&[flat], &[]);
}

#[test]
fn series_and_tensors_share_a_stream() {
    let mut rng = Rng::new(24);
    let series = group(&mut rng, 40, 40, 2);
    let models = models(&mut rng);
    let tensors: Vec<Vec<i32>> =
        (0..5).map(|n| (0..n * 50).map(|_| rng.below(99) as i32 - 50).collect()).collect();
    let mut e = RangeEncoder::new();
    tensors.iter().for_each(|t| encode_tensor(t, &mut e));
    encode_series(&series, &models, &mut e);
    e.raw(5, 3);
    let bytes = e.finish();
    let mut d = RangeDecoder::new(&bytes);
    for t in &tensors {
        let mut read = vec![0; t.len()];
        decode_tensor(&mut read, &mut d).unwrap();
        assert_eq!(&read, t);
    }
    let mut read = blank(&series);
    decode_series(&mut read, &models, &mut d).unwrap();
    assert!(read == series);
    assert_eq!(d.raw(3), 5);
    d.check().unwrap();
}
