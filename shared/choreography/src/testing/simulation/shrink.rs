//! Shrinks a story that breaks something, by delta debugging: leaves out more and more of what does not matter.

use super::run::Broken;
use super::story::Story;
use super::world::World;

impl<A: Clone + Send + 'static> Story<A> {
    /// Returns the shortest part of the story that was found which still breaks something, after at most so many runs, and
    /// what it breaks; the whole story if it breaks nothing.
    #[must_use]
    pub fn shrink<W: World<Action = A>>(self, broken: Broken, runs_max: usize) -> (Self, Broken) {
        let (mut shortest, mut runs) = ((self, broken), 0);
        let mut parts = 2;
        while shortest.0.steps.len() > 1 && runs < runs_max {
            let length = shortest.0.steps.len().div_ceil(parts);
            let count = shortest.0.steps.len().div_ceil(length);
            let shorter = (0..count).find_map(|part| {
                let rest = shortest.0.without(part * length, length);
                runs += 1;
                let broken = (runs <= runs_max).then(|| rest.run::<W>().err()).flatten()?;
                Some((rest, broken))
            });
            match shorter {
                Some(shorter) => (shortest, parts) = (shorter, parts.saturating_sub(1).max(2)),
                None if length == 1 => break,
                None => parts = (parts * 2).min(shortest.0.steps.len()),
            }
        }
        shortest
    }

    /// Returns the story without a part of its steps.
    fn without(&self, from: usize, length: usize) -> Self {
        let kept = |(index, _): &(usize, _)| !(from..from + length).contains(index);
        let steps = self.steps.iter().enumerate().filter(kept).map(|(_, step)| step.clone());
        Self { seed: self.seed, steps: steps.collect() }
    }
}
