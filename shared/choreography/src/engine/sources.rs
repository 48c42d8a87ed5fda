//! What a consumer receives: messages of these names from these publishers.

/// The publisher of messages that are received from anybody.
pub(crate) const ANYBODY: &str = "*";

/// The publishers and names of the messages that a consumer receives, sorted. The publisher `*` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources(pub Vec<(String, String)>);

impl Sources {
    /// Reads the filter subjects of a consumer: `<publisher>.<message>.*`.
    pub(crate) fn of(filters: &[String]) -> Self {
        let source = |filter: &String| {
            let mut tokens = filter.split('.');
            Some((tokens.next()?.to_owned(), tokens.next()?.to_owned()))
        };
        let mut sources: Vec<_> = filters.iter().filter_map(source).collect();
        sources.sort_unstable();
        Self(sources)
    }

    /// Whether messages of this name are received, from any publisher.
    pub(crate) fn have(&self, name: &str) -> bool {
        self.0.iter().any(|(_, message)| message == name)
    }

    /// Returns the names of the messages that are received from a publisher.
    pub(crate) fn of_publisher(&self, publisher: &str) -> impl Iterator<Item = &str> {
        let of_publisher = self.0.iter().filter(move |(from, _)| from == publisher || from == ANYBODY);
        of_publisher.map(|(_, message)| message.as_str())
    }

    /// Returns the publishers, each once.
    pub(crate) fn publishers(&self) -> Vec<&str> {
        let mut publishers: Vec<&str> = self.0.iter().map(|(publisher, _)| publisher.as_str()).collect();
        publishers.dedup();
        publishers
    }
}
