// SPDX-License-Identifier: MIT OR Apache-2.0

/// What the frame rate can be multiplied with, the default first.
pub(super) const FACTORS: [u32; 3] = [2, 4, 8];

/// The caps on the other side of the element. With `factor` 0 every factor is offered, the default
/// first and the unchanged rate last.
pub(super) fn transform(caps: &gst::Caps, is_upwards: bool, factor: u32) -> gst::Caps {
    let factors = match factor {
        0 => vec![2, 4, 8, 1],
        factor => vec![factor],
    };
    let mut other = gst::Caps::new_empty();
    for factor in factors {
        for structure in caps.iter() {
            other.merge_structure(scaled(structure, is_upwards, factor));
        }
    }
    other
}

fn scaled(structure: &gst::StructureRef, is_upwards: bool, factor: u32) -> gst::Structure {
    let mut structure = structure.to_owned();
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
    let rate = |caps: &gst::Caps| {
        let rate = caps.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
        (rate.numer() > 0).then_some((i64::from(rate.numer()), i64::from(rate.denom())))
    };
    let ((a, b), (c, d)) = (rate(from)?, rate(to)?);
    let (n, m) = (c * b, d * a);
    (n % m == 0).then(|| u32::try_from(n / m).ok()).flatten()
}
