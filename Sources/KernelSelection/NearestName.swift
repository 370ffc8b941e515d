/// Finds what a mistyped name may have meant.
public enum NearestName {
  /// The candidate with the fewest edits to `name`, the first of equals; `nil` where none is close.
  ///
  /// Close means at most a third of the longer name's characters, and at least two edits are allowed.
  public static func of(_ name: String, among candidates: [String]) -> String? {
    let letters = Array(name.lowercased().prefix(lengthMax))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let other = Array(candidate.lowercased())
      let distance = editDistance(letters, other)
      let allowed = max(2, max(letters.count, other.count) / 3)
      if distance <= allowed, distance < (best?.distance ?? Int.max) {
        best = (candidate, distance)
      }
    }
    return best?.name
  }

  /// Characters of a mistyped name that are compared; the rest cannot make it closer.
  private static let lengthMax = 64

  /// Insertions, deletions and replacements between two names (Levenshtein's distance).
  private static func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var previous = Array(0...b.count)
    for (row, letter) in a.enumerated() {
      var current = [row + 1]
      for (column, other) in b.enumerated() {
        let replaced = previous[column] + (letter == other ? 0 : 1)
        current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[b.count]
  }
}
