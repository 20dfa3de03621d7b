@_exported public import CommandLineSupport
