/// The tokens of Swift source: words and single marks, without comments and with the content of strings left out.
///
/// It knows as much of the language as is needed to find declarations. Code within the parentheses of an interpolation is
/// skipped with its string.
func sourceTokens(_ source: String) -> [Substring] {
  var tokens: [Substring] = []
  var rest = source[...]
  while let first = rest.first {
    if rest.hasPrefix("//") {
      rest = rest.drop { !$0.isNewline }
    } else if rest.hasPrefix("/*") {
      rest = afterComment(rest)
    } else if first == "\"" || (first == "#" && rest.drop { $0 == "#" }.first == "\"") {
      rest = afterString(rest)
    } else if first.isLetter || first.isNumber || first == "_" {
      let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      tokens.append(word)
      rest = rest[word.endIndex...]
    } else {
      // Backticks only protect a name.
      if !first.isWhitespace, first != "`" { tokens.append(rest.prefix(1)) }
      rest = rest.dropFirst()
    }
  }
  return tokens
}

/// What follows a comment in `/* */`; these nest.
private func afterComment(_ text: Substring) -> Substring {
  var (rest, depth) = (text, 0)
  repeat {
    if rest.hasPrefix("/*") {
      depth += 1
      rest = rest.dropFirst(2)
    } else if rest.hasPrefix("*/") {
      depth -= 1
      rest = rest.dropFirst(2)
    } else {
      rest = rest.dropFirst()
    }
  } while depth > 0 && !rest.isEmpty
  return rest
}

/// What follows a string, which may have one or three quotes, number signs before them, and interpolations.
private func afterString(_ text: Substring) -> Substring {
  let signs = text.prefix { $0 == "#" }
  var rest = text[signs.endIndex...]
  let quotes = rest.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
  rest = rest.dropFirst(quotes.count)
  let (end, escape) = (quotes + signs, "\\" + signs)
  while !rest.isEmpty, !rest.hasPrefix(end) {
    guard rest.hasPrefix(escape) else {
      rest = rest.dropFirst()
      continue
    }
    rest = rest.dropFirst(escape.count)
    rest = rest.first == "(" ? afterInterpolation(rest) : rest.dropFirst()
  }
  return rest.dropFirst(end.count)
}

/// What follows an expression in parentheses, which may hold strings of its own.
private func afterInterpolation(_ text: Substring) -> Substring {
  var (rest, depth) = (text, 0)
  while let first = rest.first {
    if first == "\"" || (first == "#" && rest.drop { $0 == "#" }.first == "\"") {
      rest = afterString(rest)
      continue
    }
    rest = rest.dropFirst()
    if first == "(" { depth += 1 }
    if first == ")" {
      depth -= 1
      if depth == 0 { break }
    }
  }
  return rest
}
