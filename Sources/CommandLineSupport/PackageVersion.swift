/// The version of the package, with which `CHANGELOG.md` begins.
public let packageVersion = "1.1.0"
