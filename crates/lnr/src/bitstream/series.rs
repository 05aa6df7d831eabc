// SPDX-License-Identifier: MIT OR Apache-2.0
//! Series of planes: all that one level of one source has over time.

use super::entropy_model::{EntropyModel, Evaluator};
use super::neighbours::{PARENT, ParentPlace, SIBLING, Surroundings};
use super::plane::Plane;
use super::plane_coder::PlaneCoder;
use super::range_coder::{BitCoder, RangeDecoder, RangeEncoder};
use super::state::{N_KINDS, State, initial};
use crate::base::{Error, Result};

/// What a plane holds and at which level, 0 being the finest: selects the initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaneKind {
    /// A canonical grid; levels from 3 on are alike.
    Canonical(usize),
    /// A residual grid; levels from 2 on are alike.
    Residual(usize),
    /// Horizontal motion; levels from 2 on are alike.
    MotionX(usize),
    /// Vertical motion; levels from 2 on are alike.
    MotionY(usize),
}

impl PlaneKind {
    /// Index among the kinds that differ in their initial state.
    fn index(self) -> usize {
        match self {
            Self::Canonical(level) => level.min(3),
            Self::Residual(level) => 4 + level.min(2),
            Self::MotionX(level) => 7 + 2 * level.min(2),
            Self::MotionY(level) => 8 + 2 * level.min(2),
        }
    }
}

/// The next coarser level of the same source, coded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Index of its series.
    pub series: usize,
    /// Stride of the parent over the stride of the child, at least 1. The parent of position x is
    /// x / ratio, within the parent plane.
    pub ratio: u32,
}

/// Planes of one size, one for each time node, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// What they hold.
    pub kind: PlaneKind,
    /// One for each time node.
    pub planes: Vec<Plane>,
    /// The next coarser level, with as many nodes.
    pub parent: Option<Parent>,
    /// Index of an earlier series of as many planes of the same size: the other motion component.
    pub sibling: Option<usize>,
    /// Index of an entropy model and of its bias set. Its extra input is the parent's symbol at the
    /// same place for canonical and residual planes, the sibling's for motion; 0 without one.
    pub model: Option<(usize, usize)>,
}

impl Series {
    /// Index of the initial state: one for each kind without a model, then one for each with.
    pub(super) fn state_index(&self) -> usize {
        self.kind.index() + if self.model.is_some() { N_KINDS } else { 0 }
    }

    /// The neighbour that a model reads as its extra input: what was its input in training.
    fn extra_input(&self) -> usize {
        match self.kind {
            PlaneKind::Canonical(_) | PlaneKind::Residual(_) => PARENT,
            PlaneKind::MotionX(_) | PlaneKind::MotionY(_) => SIBLING,
        }
    }
}

/// Writes the planes of all series, in order.
///
/// # Panics
/// When a series refers to one that does not come before it or has other nodes or sizes than
/// [`Series`] asks for, or to a model or bias set that does not exist.
pub fn encode_series(series: &[Series], models: &[EntropyModel], out: &mut RangeEncoder) {
    for i in 0..series.len() {
        let mut state = Box::new(initial()[series[i].state_index()].clone());
        write_one(series, i, models, &mut state, out);
    }
}

/// Reads the planes of all series, in order. They have their sizes and are all zeros before.
///
/// # Errors
/// [`Error::Damaged`] when the bytes end too early or the series contradict each other (see
/// [`encode_series`]), [`Error::Limit`] when a symbol is too large. The planes then hold garbage
/// within the limits.
pub fn decode_series(
    series: &mut [Series],
    models: &[EntropyModel],
    from: &mut RangeDecoder,
) -> Result<()> {
    for i in 0..series.len() {
        let setting = Setting::of(series, i, models)?;
        let mut state = Box::new(initial()[series[i].state_index()].clone());
        let model = setting.model.as_ref();
        let mut coder = PlaneCoder { coder: from, state: &mut state, model };
        let (earlier, rest) = series.split_at_mut(i);
        let current = &mut rest[0];
        for t in 0..current.planes.len() {
            let (before, now) = current.planes.split_at_mut(t);
            let around = setting.around(earlier, before, current.parent, current.sibling, t);
            coder.read(&mut now[0], &around)?;
        }
    }
    Ok(())
}

/// Codes series `i` into something that takes decisions, from `state` on.
pub(super) fn write_one<C: BitCoder>(
    series: &[Series],
    i: usize,
    models: &[EntropyModel],
    state: &mut State,
    coder: &mut C,
) {
    let setting = Setting::of(series, i, models).expect("series that fit each other");
    let mut coder = PlaneCoder { coder, state, model: setting.model.as_ref() };
    let (earlier, current) = (&series[..i], &series[i]);
    for (t, plane) in current.planes.iter().enumerate() {
        let before = &current.planes[..t];
        coder.write(plane, &setting.around(earlier, before, current.parent, current.sibling, t));
    }
}

/// What all planes of a series have in common.
struct Setting {
    columns: Vec<ParentPlace>,
    model: Option<Evaluator>,
}

impl Setting {
    /// Checks all that a series refers to.
    fn of(series: &[Series], i: usize, models: &[EntropyModel]) -> Result<Self> {
        let current = &series[i];
        let Some(first) = current.planes.first() else {
            return Ok(Self { columns: Vec::new(), model: None });
        };
        let wrong = |what: &str| Error::damaged(format!("series {i}: {what}"));
        let (size, n_nodes) = (first.size(), current.planes.len());
        let earlier = |index: usize| {
            let found = series[..i].get(index).ok_or_else(|| wrong("refers to a later one"))?;
            match found.planes.len() == n_nodes {
                true => Ok(&found.planes),
                false => Err(wrong("refers to one of other time nodes")),
            }
        };
        if current.planes.iter().any(|p| p.size() != size) {
            return Err(wrong("planes of several sizes"));
        }
        let mut columns = Vec::new();
        if let Some(Parent { series, ratio }) = current.parent {
            let (w, h) = earlier(series)?[0].size();
            if ratio == 0 || w == 0 || h == 0 || earlier(series)?.iter().any(|p| p.size() != (w, h))
            {
                return Err(wrong("a parent without entries"));
            }
            columns = (0..size.0).map(|x| ParentPlace::new(x, ratio, w)).collect();
        }
        if let Some(sibling) = current.sibling
            && earlier(sibling)?.iter().any(|p| p.size() != size)
        {
            return Err(wrong("a sibling of another size"));
        }
        let model = match current.model {
            Some((index, set)) => {
                let model = models.get(index).ok_or_else(|| wrong("its model does not exist"))?;
                Some(Evaluator::new(model, set, current.extra_input())?)
            }
            None => None,
        };
        Ok(Self { columns, model })
    }

    /// The planes around that of node `t`; `before` holds those of the nodes before.
    fn around<'a>(
        &'a self,
        earlier: &'a [Series],
        before: &'a [Plane],
        parent: Option<Parent>,
        sibling: Option<usize>,
        t: usize,
    ) -> Surroundings<'a> {
        Surroundings {
            before: t.checked_sub(1).map(|t| &before[t]),
            before_that: t.checked_sub(2).map(|t| &before[t]),
            parent: parent.map(|p| &earlier[p.series].planes[t]),
            ratio: parent.map_or(1, |p| p.ratio),
            columns: &self.columns,
            sibling: sibling.map(|s| &earlier[s].planes[t]),
        }
    }
}
