// SPDX-License-Identifier: MIT OR Apache-2.0
//! From many dimensions to two.

use lnr::align::cosine;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use umap_rs::{EuclideanMetric, GraphParams, Metric, OptimizationParams, Umap, UmapConfig};

/// Rounds of the power iteration: what is left of the next direction is far below a pixel.
const ROUNDS: usize = 100;
/// Neighbours that UMAP keeps together: the default of its first implementation.
const NEIGHBOURS: usize = 15;
/// Fewest points that UMAP makes a picture of.
const LEAST: usize = 4;
/// Side of the square that UMAP begins in, as its first implementation does.
const START: f32 = 10.0;

/// Steps of UMAP: more move points by less than their size.
const STEPS: usize = 300;

/// Distances in the picture. The crate's own Euclidean ones take another way, which draws far points together
/// too little and no picture twice.
#[derive(Debug)]
struct InPlane;

impl Metric for InPlane {
    fn distance(&self, a: ArrayView1<f32>, b: ArrayView1<f32>) -> (f32, Array1<f32>) {
        let [dx, dy] = [a[0] - b[0], a[1] - b[1]];
        let distance = dx.hypot(dy);
        let length = distance.max(f32::MIN_POSITIVE);
        (distance, Array1::from_vec(vec![dx / length, dy / length]))
    }
}

/// A point of the plane.
pub type Point = [f32; 2];

/// The two directions along which the vectors vary most (principal components), and the part of the variance
/// that each holds.
pub fn pca(vectors: &[Vec<f32>]) -> (Vec<Point>, [f64; 2]) {
    let dim = vectors.first().map_or(0, Vec::len);
    let mut mean = vec![0.0f64; dim];
    for vector in vectors {
        mean.iter_mut().zip(vector).for_each(|(m, v)| *m += f64::from(*v) / vectors.len() as f64);
    }
    let less = |v: &Vec<f32>| v.iter().zip(&mean).map(|(v, m)| f64::from(*v) - m).collect();
    let mut rows: Vec<Vec<f64>> = vectors.iter().map(less).collect();
    let square = |rows: &[Vec<f64>]| rows.iter().flatten().map(|v| v * v).sum::<f64>();
    let total = square(&rows);
    // What rounding leaves of equal vectors is no variance.
    let length: f64 = vectors.iter().flatten().map(|v| f64::from(v * v)).sum();
    if total <= 1e-12 * length {
        return (vec![[0.0; 2]; vectors.len()], [0.0; 2]);
    }
    let mut points = vec![[0.0; 2]; vectors.len()];
    let mut parts = [0.0; 2];
    for axis in 0..2 {
        let direction = direction(&rows, dim);
        for (row, point) in rows.iter_mut().zip(&mut points) {
            let along = dot(row, &direction);
            point[axis] = along as f32;
            parts[axis] += along * along / total;
            row.iter_mut().zip(&direction).for_each(|(v, d)| *v -= along * d);
        }
    }
    (points, parts)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The direction of most variance, of length 1, by power iteration; zeros where nothing varies.
fn direction(rows: &[Vec<f64>], dim: usize) -> Vec<f64> {
    // The longest row has a part in it.
    let longest = rows.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)));
    let mut direction = longest.cloned().unwrap_or_else(|| vec![0.0; dim]);
    for _ in 0..ROUNDS {
        let length = dot(&direction, &direction).sqrt();
        if length == 0.0 {
            break;
        }
        direction.iter_mut().for_each(|d| *d /= length);
        let mut next = vec![0.0; dim];
        for row in rows {
            let along = dot(row, &direction);
            next.iter_mut().zip(row).for_each(|(n, v)| *n += along * v);
        }
        direction = next;
    }
    let length = dot(&direction, &direction).sqrt();
    if length > 0.0 {
        direction.iter_mut().for_each(|d| *d /= length);
    }
    direction
}

/// Points that lie near each other where their vectors point much the same way (UMAP, on cosines), beginning
/// from the principal components; none for fewer than four.
pub fn umap(vectors: &[Vec<f32>], start: &[Point]) -> Option<Vec<Point>> {
    let (n, dim) = (vectors.len(), vectors.first().map_or(0, Vec::len));
    if n < LEAST {
        return None;
    }
    let k = NEIGHBOURS.min(n - 1);
    let (mut indices, mut distances) = (Vec::new(), Vec::new());
    for (i, vector) in vectors.iter().enumerate() {
        let mut all: Vec<(f32, usize)> =
            vectors.iter().enumerate().map(|(j, v)| (1.0 - cosine(vector, v), j)).collect();
        // A point is its own nearest neighbour, also where another is the same.
        all[i].0 = -1.0;
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        indices.extend(all[..k].iter().map(|(_, j)| *j as u32));
        distances.extend(all[..k].iter().map(|(d, _)| d.max(0.0)));
    }
    let data: Vec<f32> = vectors.iter().flatten().copied().collect();
    let widest = start.iter().flatten().fold(0.0f32, |m, v| m.max(v.abs())).max(f32::MIN_POSITIVE);
    // Equal points would never part.
    let nudge = |i: usize| (i as f32 * 0.754_877_7).fract() * 1e-2;
    let begin = |i: usize| start[i].map(|v| v / widest * START + nudge(i));
    let init: Vec<f32> = (0..n).flat_map(begin).collect();
    let config = UmapConfig {
        graph: GraphParams { n_neighbors: k, ..GraphParams::default() },
        optimization: OptimizationParams { n_epochs: Some(STEPS), ..OptimizationParams::default() },
        ..UmapConfig::default()
    };
    let umap = Umap::with_metrics(config, Box::new(EuclideanMetric), Box::new(InPlane));
    let data = ArrayView2::from_shape((n, dim), &data).ok()?;
    let indices = Array2::from_shape_vec((n, k), indices).ok()?;
    let distances = Array2::from_shape_vec((n, k), distances).ok()?;
    let init = ArrayView2::from_shape((n, 2), &init).ok()?;
    let fitted = umap.fit(data, indices.view(), distances.view(), init);
    let points: Vec<Point> = fitted.embedding().rows().into_iter().map(|r| [r[0], r[1]]).collect();
    // What no neighbour holds has no place.
    points.iter().flatten().all(|v| v.is_finite()).then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three bundles of directions.
    fn bundles() -> Vec<Vec<f32>> {
        let vector = |i: usize| {
            let mut v = vec![0.02 * (i as f32).sin(); 12];
            v[4 * (i % 3)] += 1.0;
            v[4 * (i % 3) + 1] += 0.3 * (i as f32 * 0.7).cos();
            v
        };
        (0..60).map(vector).collect()
    }

    /// How much farther apart points of different bundles lie than those of the same, in the mean.
    fn separation(points: &[Point]) -> f32 {
        let distance = |a: Point, b: Point| (a[0] - b[0]).hypot(a[1] - b[1]);
        let mean = |same: bool| {
            let pairs = (0..60).flat_map(|i| (0..60).map(move |j| (i, j)));
            let all: Vec<f32> = pairs
                .filter(|(i, j)| i != j && (i % 3 == j % 3) == same)
                .map(|(i, j)| distance(points[i], points[j]))
                .collect();
            all.iter().sum::<f32>() / all.len() as f32
        };
        mean(false) / mean(true)
    }

    #[test]
    fn what_is_alike_lies_together() {
        let vectors = bundles();
        let (points, parts) = pca(&vectors);
        assert!(separation(&points) > 3.0, "{}", separation(&points));
        // Three bundles as far from each other: both directions hold as much.
        assert!(
            parts[0] > parts[1] - 0.02 && parts[0] + parts[1] > 0.8 && parts[0] + parts[1] < 1.0001
        );
        let points = umap(&vectors, &points).unwrap();
        assert!(separation(&points) > 2.0, "{}", separation(&points));
    }

    #[test]
    fn what_follows_each_other_stays_together() {
        let angle =
            |t: usize, k: usize| (t as f32 * 0.06 * (1.0 + k as f32 * 0.3) + k as f32).sin();
        let vectors: Vec<Vec<f32>> =
            (0..120).map(|t| (0..16).map(|k| angle(t, k)).collect()).collect();
        let points = umap(&vectors, &pca(&vectors).0).unwrap();
        let distance =
            |a: usize, b: usize| (points[a][0] - points[b][0]).hypot(points[a][1] - points[b][1]);
        let steps = (1..120).map(|i| distance(i - 1, i)).sum::<f32>() / 119.0;
        let far = (0..60).map(|i| distance(i, i + 60)).sum::<f32>() / 60.0;
        assert!(far > 8.0 * steps, "{far} against {steps}");
    }

    #[test]
    fn few_and_equal_vectors_have_places() {
        assert_eq!(pca(&[]).0, Vec::<Point>::new());
        let same = vec![vec![1.0, 2.0]; 9];
        let (points, parts) = pca(&same);
        assert_eq!((points[8], parts), ([0.0; 2], [0.0; 2]));
        assert!(umap(&same[..3], &points[..3]).is_none());
        if let Some(points) = umap(&same, &points) {
            assert!(points.iter().flatten().all(|v| v.is_finite()));
        }
        let line = vec![vec![0.0, 1.0], vec![2.0, 1.0], vec![4.0, 1.0]];
        let (points, parts) = pca(&line);
        assert!(
            (points[0][0] + points[2][0]).abs() < 1e-6 && (points[0][0].abs() - 2.0).abs() < 1e-6
        );
        assert!((parts[0] - 1.0).abs() < 1e-9 && parts[1] < 1e-9);
    }
}
