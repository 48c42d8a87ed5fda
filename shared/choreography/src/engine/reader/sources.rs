//! What a consumer receives: messages of these names from these publishers.

/// The publishers and names of the messages that a consumer receives, sorted. The publisher `*` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources(pub Vec<(String, String)>);

impl Sources {
    /// Reads the filter subjects of a consumer: `<publisher>.<message>.*`.
    pub(super) fn of(filters: &[String]) -> Self {
        let source = |filter: &String| {
            let mut tokens = filter.split('.');
            Some((tokens.next()?.to_owned(), tokens.next()?.to_owned()))
        };
        let mut sources: Vec<_> = filters.iter().filter_map(source).collect();
        sources.sort_unstable();
        Self(sources)
    }

    /// Whether messages of this name are received, from any publisher.
    pub(super) fn have(&self, name: &str) -> bool {
        self.0.iter().any(|(_, message)| message == name)
    }

    /// Returns the publishers, each once.
    pub(super) fn publishers(&self) -> Vec<&str> {
        let mut publishers: Vec<&str> = self.0.iter().map(|(publisher, _)| publisher.as_str()).collect();
        publishers.dedup();
        publishers
    }
}
