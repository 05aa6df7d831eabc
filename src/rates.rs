// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame rates before and after interpolation.

use crate::caps;

/// What the frame rate can be multiplied with, the default first.
pub(super) const FACTORS: [u32; 3] = [2, 4, 8];

/// The caps of interpolated access units made of these, or, not `is_upwards`, those that they are made of.
/// With `factor` 0 every factor is offered, the default first and the unchanged rate last. Muxers take what
/// is made under other names.
pub(super) fn transform(caps: &gst::Caps, is_upwards: bool, factor: u32) -> gst::Caps {
    let factors = match factor {
        0 => vec![2, 4, 8, 1],
        factor => vec![factor],
    };
    let mut other = gst::Caps::new_empty();
    for &factor in &factors {
        for structure in caps.iter() {
            let named = if is_upwards { structure.to_owned() } else { caps::unmuxed(structure) };
            other.merge_structure(scaled(named, is_upwards, factor));
        }
    }
    if is_upwards {
        let muxed: Vec<_> = other.iter().flat_map(caps::muxed).collect();
        muxed.into_iter().for_each(|structure| other.merge_structure(structure));
    }
    other
}

fn scaled(mut structure: gst::Structure, is_upwards: bool, factor: u32) -> gst::Structure {
    match structure.get::<gst::Fraction>("framerate") {
        // An unknown rate stays unknown.
        Ok(rate) if rate.numer() > 0 => {
            let (n, d) = (rate.numer(), rate.denom());
            let scaled = match is_upwards {
                true => n.checked_mul(factor as i32).map(|n| gst::Fraction::new(n, d)),
                false => d.checked_mul(factor as i32).map(|d| gst::Fraction::new(n, d)),
            };
            if let Some(rate) = scaled {
                structure.set("framerate", rate);
            }
        }
        Ok(_) => {}
        // Ranges and lists: any rate; fixed caps will tell.
        Err(_) => structure.remove_field("framerate"),
    }
    structure
}

/// By how much the rate of `to` is that of `from`; `None` where one is unknown.
pub(super) fn factor_between(from: &gst::Caps, to: &gst::Caps) -> Option<u32> {
    let rate = |caps: &gst::Caps| caps.structure(0)?.get::<gst::Fraction>("framerate").ok();
    ratio(rate(from)?, rate(to)?)
}

/// How many times as high `to` is as `from`, where that is a whole number.
pub(super) fn ratio(from: gst::Fraction, to: gst::Fraction) -> Option<u32> {
    let parts = |rate: gst::Fraction| (i64::from(rate.numer()), i64::from(rate.denom()));
    let ((a, b), (c, d)) = (parts(from), parts(to));
    let (n, m) = (c * b, d * a);
    (n > 0 && m > 0 && n % m == 0).then(|| u32::try_from(n / m).ok()).flatten()
}

/// The rates that these caps name, each once; none where some of them leave it open.
pub(super) fn rates_of(caps: &gst::CapsRef) -> Vec<gst::Fraction> {
    let rates = caps.iter().map(|s| s.get::<gst::Fraction>("framerate").ok());
    let mut named: Vec<gst::Fraction> = Vec::new();
    for rate in rates {
        match rate {
            Some(rate) if named.contains(&rate) => {}
            Some(rate) => named.push(rate),
            None => return Vec::new(),
        }
    }
    named
}

/// The one rate in these caps, if they name one.
pub(super) fn rate_of(caps: &gst::CapsRef) -> Option<gst::Fraction> {
    match rates_of(caps)[..] {
        [rate] => Some(rate),
        _ => None,
    }
}

/// A rate as caps have it.
pub(super) fn text(rate: gst::Fraction) -> String {
    format!("{}/{}", rate.numer(), rate.denom())
}

/// What interpolation can make of a rate, in words.
pub(super) fn reachable(rate: gst::Fraction) -> String {
    let times = |factor: u32| rate.numer().checked_mul(factor as i32);
    let rates = FACTORS.into_iter().filter_map(times);
    let all: Vec<_> = rates.map(|n| text(gst::Fraction::new(n, rate.denom()))).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_reached_is_said() {
        gst::init().expect("GStreamer");
        assert_eq!(reachable(gst::Fraction::new(25, 1)), "50/1, 100/1 or 200/1");
        assert_eq!(
            reachable(gst::Fraction::new(30_000, 1001)),
            "60000/1001, 120000/1001 or 240000/1001"
        );
        assert_eq!(reachable(gst::Fraction::new(i32::MAX / 2, 1)), "2147483646/1");
        assert_eq!(reachable(gst::Fraction::new(i32::MAX, 1)), "nothing");
    }

    #[test]
    fn caps_name_one_rate_or_none() {
        gst::init().expect("GStreamer");
        let rate = |text: &str| rate_of(&text.parse::<gst::Caps>().expect("caps"));
        assert_eq!(
            rate("a/b,framerate=(fraction)60/1;c/d,framerate=(fraction)60/1"),
            Some(gst::Fraction::new(60, 1))
        );
        assert_eq!(rate("a/b,framerate=(fraction)60/1;c/d,framerate=(fraction)30/1"), None);
        assert_eq!(rate("a/b,framerate=(fraction)60/1;c/d"), None);
        assert_eq!(rate("a/b,framerate=(fraction)[0/1,60/1]"), None);
    }
}
