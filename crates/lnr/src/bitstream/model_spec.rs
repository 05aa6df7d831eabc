// SPDX-License-Identifier: MIT OR Apache-2.0
//! The description of a model in a header (FORMAT section 4). What is read is only bounded here:
//! whether it is legal is [`ModelSpec::check`]'s business.

use super::bytes::{Reader, Writer};
use crate::base::spec::{Anchors, Bits, LatentSpec, ModelSpec, Modulation, NetworkSpec};
use crate::base::spec::{Precision, SourceSpec};
use crate::base::{Error, Result, limits};

/// Bit 0 of the network's flags: a linear path from the features to the output.
const SKIP: u8 = 1;
/// Bits 1-3: how hypernetworks modulate.
const MODULATION: u8 = 1;
/// Bits 4-6: how values are stored; bit 7 is 0.
const PRECISION: u8 = 4;

pub(super) fn write_model(spec: &ModelSpec, w: &mut Writer) {
    w.varint(spec.sources.len() as u64);
    spec.sources.iter().for_each(|s| write_source(s, w));
    w.varint(spec.latent.dim.into());
    w.varint(spec.latent.node_step.into());
    let net = &spec.network;
    let modulation = match net.modulation {
        Modulation::Sigmoid => 0,
        Modulation::Centred => 1,
    };
    let precision = match spec.precision {
        Precision::Steps => 0,
        Precision::Uniform(_) => 1,
        Precision::StepsByPart => 2,
    };
    w.u8(u8::from(net.skip) | modulation << MODULATION | precision << PRECISION);
    w.varint(net.patch.into());
    w.varint(net.width.into());
    w.varint(net.n_layers.into());
    w.varint(set_of(&net.modulated));
    w.varint(net.rank.into());
    w.varint(net.hyper_layers.into());
    w.varint(net.hyper_width.into());
    if let Precision::Uniform(bits) = spec.precision {
        let Bits { sources, base, hyper, latents } = bits;
        [sources, base, hyper, latents].iter().for_each(|&b| w.varint(b.into()));
    }
}

pub(super) fn read_model(r: &mut Reader) -> Result<ModelSpec> {
    let n = r.bounded("number of feature sources", 1..=limits::MAX_SOURCES as u64)?;
    let sources = (0..n).map(|_| read_source(r)).collect::<Result<_>>()?;
    let any = 0..=u64::from(u32::MAX);
    let mut get = |what: &str| r.bounded(what, any.clone());
    let latent =
        LatentSpec { dim: get("latent dimensions")?, node_step: get("frames between latents")? };
    let flags = r.u8()?;
    let modulation = match flags >> MODULATION & 7 {
        0 => Modulation::Sigmoid,
        1 => Modulation::Centred,
        code => return Err(unknown("modulation", code)),
    };
    let precision = flags >> PRECISION;
    if precision > 2 {
        return Err(unknown("precision", precision));
    }
    let mut get = |what: &str| r.bounded(what, any.clone());
    let network = NetworkSpec {
        patch: get("patch")?,
        width: get("network width")?,
        n_layers: get("number of layers")?,
        skip: flags & SKIP != 0,
        modulated: members_of(get("set of modulated layers")?),
        rank: get("rank")?,
        modulation,
        hyper_layers: get("hypernetwork layers")?,
        hyper_width: get("hypernetwork width")?,
    };
    let precision = match precision {
        0 => Precision::Steps,
        2 => Precision::StepsByPart,
        _ => Precision::Uniform(Bits {
            sources: get("bits of sources")?,
            base: get("bits of the base network")?,
            hyper: get("bits of hypernetworks")?,
            latents: get("bits of latents")?,
        }),
    };
    Ok(ModelSpec { sources, latent, network, precision })
}

/// The numbers whose bits are set.
fn members_of(set: u32) -> Vec<u32> {
    (0..u32::BITS).filter(|n| set >> n & 1 != 0).collect()
}

/// The set of some numbers below 64.
fn set_of(members: &[u32]) -> u64 {
    members.iter().fold(0, |set, &n| set | 1 << n.min(63))
}

/// Codes of the kinds of sources, in the order of [`SourceSpec`]; canonical grids with anchors have
/// one of their own.
mod kind {
    pub const CANONICAL: u8 = 0;
    pub const MOTION: u8 = 1;
    pub const RESIDUAL: u8 = 2;
    pub const HASH: u8 = 3;
    pub const FOURIER: u8 = 4;
    pub const BLEND: u8 = 5;
    pub const ANCHORS: u8 = 6;
}

fn write_source(source: &SourceSpec, w: &mut Writer) {
    w.u8(match source {
        SourceSpec::Canonical { anchors: None, .. } => kind::CANONICAL,
        SourceSpec::Canonical { anchors: Some(_), .. } => kind::ANCHORS,
        SourceSpec::Motion { .. } => kind::MOTION,
        SourceSpec::Residual { .. } => kind::RESIDUAL,
        SourceSpec::Blend { .. } => kind::BLEND,
        SourceSpec::Hash { .. } => kind::HASH,
        SourceSpec::Fourier { .. } => kind::FOURIER,
    });
    w.varint(source.levels().len() as u64);
    source.levels().iter().for_each(|&v| w.varint(v.into()));
    match source {
        SourceSpec::Canonical { cubic_up_to, margin, motion, anchors, .. } => {
            w.varint((*cubic_up_to).into());
            w.varint((*margin).into());
            w.varint(set_of(motion));
            if let Some(anchors) = anchors {
                w.varint(anchors.step.into());
                w.varint(set_of(&anchors.odd_motion));
            }
        }
        SourceSpec::Motion { node_step, .. }
        | SourceSpec::Residual { node_step, .. }
        | SourceSpec::Blend { node_step, .. } => w.varint((*node_step).into()),
        SourceSpec::Hash { features, table, .. } => {
            w.varint((*features).into());
            w.varint((*table).into());
        }
        SourceSpec::Fourier { .. } => {}
    }
}

fn read_source(r: &mut Reader) -> Result<SourceSpec> {
    let kind = r.u8()?;
    let most = match kind {
        kind::HASH | kind::FOURIER => limits::MAX_RESOLUTIONS.into(),
        ..=kind::ANCHORS => limits::MAX_LEVELS as u64,
        code => return Err(unknown("feature source", code)),
    };
    let any = 0..=u64::from(u32::MAX);
    let n = r.bounded("number of levels", 1..=most)?;
    let levels: Vec<u32> =
        (0..n).map(|_| r.bounded("level", any.clone())).collect::<Result<_>>()?;
    let mut get = |what: &str| r.bounded(what, any.clone());
    Ok(match kind {
        kind::CANONICAL | kind::ANCHORS => SourceSpec::Canonical {
            strides: levels,
            cubic_up_to: get("largest cubic stride")?,
            margin: get("margin")?,
            motion: members_of(get("set of motion sources")?),
            anchors: match kind {
                kind::ANCHORS => Some(Anchors {
                    step: get("frames between anchors")?,
                    odd_motion: members_of(get("set of motion sources")?),
                }),
                _ => None,
            },
        },
        kind::MOTION => SourceSpec::Motion { strides: levels, node_step: get("motion node step")? },
        kind::RESIDUAL => {
            SourceSpec::Residual { strides: levels, node_step: get("residual node step")? }
        }
        kind::BLEND => SourceSpec::Blend { strides: levels, node_step: get("blend node step")? },
        kind::HASH => SourceSpec::Hash {
            features: get("features per entry")?,
            table: get("size of hash tables")?,
            resolutions: levels,
        },
        _ => SourceSpec::Fourier { resolutions: levels },
    })
}

fn unknown(what: &str, code: u8) -> Error {
    Error::Unsupported(format!("this decoder does not know {what} {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::spec::samples::{EXTENT, anchored, grids, hash};

    fn bytes_of(spec: &ModelSpec) -> Vec<u8> {
        let mut w = Writer::default();
        write_model(spec, &mut w);
        w.0
    }

    #[test]
    fn models_round_trip() {
        let mut fourier = hash();
        fourier.sources = vec![SourceSpec::Fourier { resolutions: vec![1, 300, 16_384] }];
        fourier.network.modulated = vec![0, 2];
        let mut still = grids();
        still.sources.truncate(1);
        still.sources[0] = SourceSpec::canonical(&[1, 4], 1, 8, &[]);
        let by_part = ModelSpec { precision: Precision::StepsByPart, ..grids() };
        for spec in [grids(), anchored(), hash(), fourier, still, by_part] {
            spec.check(&EXTENT).unwrap();
            let bytes = bytes_of(&spec);
            let mut r = Reader(&bytes);
            assert_eq!(read_model(&mut r).unwrap(), spec);
            assert!(r.0.is_empty());
            for n in 0..bytes.len() {
                assert!(read_model(&mut Reader(&bytes[..n])).is_err(), "{n} bytes");
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let canonical = [0, 2, 1, 4, 1, 8, 1];
        let (motion, residual) = ([1, 1, 16, 2], [2, 1, 4, 1]);
        let network = [0b11, 1, 16, 3, 1, 2, 0, 0];
        let expected = [&[3][..], &canonical, &motion, &residual, &[4, 4], &network].concat();
        assert_eq!(bytes_of(&grids()), expected);
        let anchors = [6, 2, 1, 4, 1, 8, 0b101, 5, 0b110];
        let motions = [1, 1, 16, 2, 1, 1, 16, 2, 1, 1, 64, 1];
        let blends = [5, 2, 8, 16, 1, 5, 1, 32, 4];
        let expected = [
            &[7][..],
            &anchors,
            &motions,
            &residual,
            &blends,
            &[4, 4],
            &[0b11, 1, 16, 3, 1, 2, 0, 0],
        ];
        assert_eq!(bytes_of(&anchored()), expected.concat());
        let source = [1, 3, 2, 16, 99, 2, 10];
        let network = [0b1_0000, 2, 32, 3, 0b110, 2, 1, 5];
        assert_eq!(bytes_of(&hash()), [&source[..], &[8, 1], &network, &[8, 16, 6, 32]].concat());
    }

    #[test]
    fn what_is_not_known_is_named() {
        let mut bytes = bytes_of(&grids());
        let flags = bytes.len() - 8;
        for (at, value, what) in [
            (1, 7, "feature source 7"),
            (flags, 0b100, "modulation 2"),
            (flags, 0x30, "precision 3"),
            (flags, 0x80, "precision 8"),
        ] {
            let good = std::mem::replace(&mut bytes[at], value);
            match read_model(&mut Reader(&bytes)) {
                Err(Error::Unsupported(text)) => assert!(text.ends_with(what), "{text}"),
                other => panic!("{other:?}"),
            }
            bytes[at] = good;
        }
        for (at, value) in [(0, 0), (0, 17), (2, 0), (2, 11)] {
            let good = std::mem::replace(&mut bytes[at], value);
            assert!(matches!(read_model(&mut Reader(&bytes)), Err(Error::Limit(_))));
            bytes[at] = good;
        }
    }
}
