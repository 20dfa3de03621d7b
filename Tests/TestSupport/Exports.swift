// The law suites and expectations that users have.
@_exported public import ScoreTestSupport
