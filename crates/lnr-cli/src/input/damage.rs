// SPDX-License-Identifier: MIT OR Apache-2.0

/// The damaged parts of a file: everything from the first damage to the next group that can be read is
/// one part, however many places or access units it takes.
#[derive(Default)]
pub struct Damage {
    /// Parts so far.
    pub n_parts: u64,
    /// What is wrong at the first place.
    pub first_cause: Option<String>,
    /// No good group came since the last damage.
    is_open: bool,
}

impl Damage {
    /// Something that cannot be read.
    pub fn found(&mut self, cause: String) {
        self.n_parts += u64::from(!self.is_open);
        self.is_open = true;
        self.first_cause.get_or_insert(cause);
    }

    /// The start of a group that can be read.
    pub fn good_group(&mut self) {
        self.is_open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_damage_counts_once() {
        let mut damage = Damage::default();
        damage.good_group();
        assert_eq!(damage.n_parts, 0);
        for cause in ["first", "second", "third"] {
            damage.found(cause.into());
        }
        assert_eq!(damage.n_parts, 1);
        damage.good_group();
        damage.found("fourth".into());
        assert_eq!(damage.n_parts, 2);
        assert_eq!(damage.first_cause.as_deref(), Some("first"));
    }
}
