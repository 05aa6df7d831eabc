// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use super::npy::read_npy;
use crate::base::{Error, Result, Space};

/// Vectors that a user computed for the frames of a video, with any model.
#[derive(Debug)]
pub struct Features {
    space: Space,
    /// [n, dim]
    values: Vec<f32>,
    /// Presentation time of each vector in seconds, ascending; empty where there is one for each frame.
    times: Vec<f32>,
}

impl Features {
    /// Reads a `.npy` array [frames, dimensions], or a `.safetensors` file with a tensor `features` of that
    /// shape and, where the vectors do not stand for one frame each, `times` [n] in seconds. The space is
    /// called `space`, or as the safetensors file's own metadata `space` say, or else after the file.
    /// Vectors of spaces of one name and as many dimensions count as comparable.
    ///
    /// # Errors
    /// [`Error::Model`] naming what is wrong with the file; [`Error::InvalidSetting`] for a name or a number
    /// of dimensions that cannot be stored.
    pub fn read(path: &Path, space: Option<&str>) -> Result<Self> {
        let wrong = |what: String| Error::Model(format!("{}: {what}", path.display()));
        let is_npy = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        let (shape, values, times, own_name) = if is_npy {
            let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
            let read = read_npy(&bytes);
            let (shape, values) = read.map_err(|e| match e {
                Error::Model(what) => wrong(what),
                other => other,
            })?;
            (shape, values, Vec::new(), None)
        } else {
            read_safetensors(path)?
        };
        let stem = || path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let name = space.map(str::to_owned).or(own_name).or_else(stem).unwrap_or_default();
        Self::new(&name, shape, values, times).map_err(|e| match e {
            Error::Model(what) => wrong(what),
            other => other,
        })
    }

    /// Vectors in memory. values: [n, dim] f32; times: [n] in seconds, ascending, or empty.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none, a vector is all zeros or holds no numbers, or times do not
    /// ascend; [`Error::InvalidSetting`] as [`Space::new`].
    pub fn new(
        space: &str,
        (n, dim): (usize, usize),
        values: Vec<f32>,
        times: Vec<f32>,
    ) -> Result<Self> {
        let (head, tail) = (crc32c::crc32c(space.as_bytes()), crc32c::crc32c(b"features"));
        let mut fingerprint = [0; 8];
        fingerprint[..4].copy_from_slice(&head.to_le_bytes());
        fingerprint[4..].copy_from_slice(&tail.to_le_bytes());
        let space = Space::new(space, fingerprint, dim)?;
        if n == 0 || values.len() != n * dim {
            return Err(Error::Model(format!("{} values for {n} vectors of {dim}", values.len())));
        }
        let is_good = |v: &[f32]| v.iter().all(|v| v.is_finite()) && v.iter().any(|v| *v != 0.0);
        if let Some(bad) = values.chunks_exact(dim).position(|v| !is_good(v)) {
            return Err(Error::Model(format!("vector {bad} is zero or holds what is no number")));
        }
        if !(times.is_empty() || times.len() == n && times.is_sorted_by(|a, b| a < b)) {
            return Err(Error::Model("the times of the vectors do not ascend".into()));
        }
        Ok(Self { space, values, times })
    }

    /// The space of the vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The vector of frame `number` of the video, shown at `pts` ns: of that frame, or where they have
    /// times linear between the two around it.
    ///
    /// # Errors
    /// [`Error::Model`] when there are fewer vectors than frames.
    pub fn at(&self, number: u64, pts: u64) -> Result<Vec<f32>> {
        let dim = self.space.dim as usize;
        let row = |i: usize| &self.values[i * dim..][..dim];
        let n = self.values.len() / dim;
        if self.times.is_empty() {
            return match usize::try_from(number) {
                Ok(i) if i < n => Ok(row(i).to_vec()),
                _ => Err(Error::Model(format!(
                    "{n} vectors of features, but the video has a frame {number} (from 0): give one for \
                     each frame, or times"
                ))),
            };
        }
        let time = (pts as f64 / 1e9) as f32;
        let next = self.times.partition_point(|t| *t <= time);
        if next == 0 || next == n {
            return Ok(row(next.min(n - 1)).to_vec());
        }
        let w = (time - self.times[next - 1]) / (self.times[next] - self.times[next - 1]);
        Ok(row(next - 1).iter().zip(row(next)).map(|(a, b)| a + (b - a) * w).collect())
    }
}

/// Shape and values of `features`, `times` where there are any, and the name of their space.
type Read = ((usize, usize), Vec<f32>, Vec<f32>, Option<String>);

#[cfg(feature = "clip")]
fn read_safetensors(path: &Path) -> Result<Read> {
    let mut file = super::safetensors_file::TensorFile::open(path)?;
    let Some(&[n, dim]) = file.shape("features") else {
        return Err(file.wrong("there is no tensor `features` of shape [frames, dimensions] in it"));
    };
    let times = match file.shape("times") {
        None => Vec::new(),
        Some(shape) if *shape == [n] => file.read("times")?,
        Some(_) => return Err(file.wrong(&format!("`times` is not of shape [{n}]"))),
    };
    Ok(((n, dim), file.read("features")?, times, file.note("space").map(str::to_owned)))
}

#[cfg(not(feature = "clip"))]
fn read_safetensors(path: &Path) -> Result<Read> {
    let path = path.display();
    Err(Error::Model(format!("{path}: this build reads .npy files only (feature `clip`)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_found_by_number_or_by_time() {
        let values = vec![1.0, 0.0, 0.0, 2.0, 3.0, 0.0];
        let by_number = Features::new("mine", (3, 2), values.clone(), vec![]).unwrap();
        assert_eq!(by_number.at(1, 0).unwrap(), [0.0, 2.0]);
        assert!(by_number.at(3, 0).unwrap_err().to_string().contains("frame 3"));
        let by_time = Features::new("mine", (3, 2), values, vec![1.0, 2.0, 4.0]).unwrap();
        assert_eq!(by_number.space(), by_time.space());
        for (seconds, vector) in
            [(0.0, [1.0, 0.0]), (1.5, [0.5, 1.0]), (3.0, [1.5, 1.0]), (9.0, [3.0, 0.0])]
        {
            assert_eq!(by_time.at(77, (seconds * 1e9) as u64).unwrap(), vector, "{seconds} s");
        }
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        let features = |shape, values: &[f32], times: &[f32]| {
            Features::new("mine", shape, values.to_vec(), times.to_vec()).is_err()
        };
        assert!(features((0, 2), &[], &[]));
        assert!(features((2, 1), &[1.0], &[]));
        assert!(features((2, 1), &[1.0, 0.0], &[]));
        assert!(features((1, 1), &[f32::NAN], &[]));
        assert!(features((2, 1), &[1.0, 1.0], &[1.0]));
        assert!(features((2, 1), &[1.0, 1.0], &[1.0, 1.0]));
        assert!(features((2, 1), &[1.0, 1.0], &[1.0, f32::NAN]));
    }

    #[test]
    fn files_are_read_by_their_kind() {
        let folder = tempfile::tempdir().unwrap();
        let npy = folder.path().join("clip.npy");
        let mut bytes = Vec::new();
        super::super::write_npy(&mut bytes, 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        std::fs::write(&npy, &bytes).unwrap();
        let read = Features::read(&npy, None).unwrap();
        assert_eq!((read.space().name.as_str(), read.at(1, 0).unwrap()), ("clip", vec![3.0, 4.0]));
        assert_eq!(Features::read(&npy, Some("vit")).unwrap().space().name, "vit");
        if cfg!(not(feature = "clip")) {
            return;
        }
        let file = folder.path().join("clip.safetensors");
        let header = r#"{"__metadata__":{"space":"own"},"features":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"times":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0, 0x3C, 0, 0xC0]);
        bytes.extend([0.0f32, 1.0].iter().flat_map(|v| v.to_le_bytes()));
        std::fs::write(&file, &bytes).unwrap();
        let read = Features::read(&file, None).unwrap();
        assert_eq!(
            (read.space().name.as_str(), read.at(9, 250_000_000).unwrap()),
            ("own", vec![0.25])
        );
        for n in 0..bytes.len() {
            std::fs::write(&file, &bytes[..n]).unwrap();
            let text = Features::read(&file, None).unwrap_err().to_string();
            assert!(text.contains("clip.safetensors"), "{text}");
        }
    }
}
