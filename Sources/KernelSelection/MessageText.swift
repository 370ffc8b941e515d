/// Keeps messages that quote input on one bounded line.
public enum MessageText {
  /// Characters of a message; what a file says in between is not worth more.
  private static let lengthMax = 1_000

  /// The text with control characters made visible and its end cut off beyond a bound.
  public static func oneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars.prefix(lengthMax) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        line += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: line.unicodeScalars.append(scalar)
      }
    }
    return text.unicodeScalars.count > lengthMax ? line + "…" : line
  }
}
