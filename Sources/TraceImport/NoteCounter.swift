/// What a reader passed over, counted by kind in order of first appearance.
///
/// The kinds are bounded, so that a file that invents a new key on each line fills no memory.
struct NoteCounter: Sendable {
  private var kinds: [(text: String, count: Int)] = []
  private var others = 0

  /// Counts one more of a kind.
  mutating func count(_ text: String) {
    if let index = kinds.firstIndex(where: { $0.text == text }) {
      kinds[index].count += 1
    } else if kinds.count < ImportLimits.notesMax {
      kinds.append((text, 1))
    } else {
      others += 1
    }
  }

  /// One line for each kind.
  var lines: [String] {
    var lines = kinds.map { "\($0.text) (\($0.count) times)" }
    for index in kinds.indices where kinds[index].count == 1 { lines[index] = kinds[index].text }
    if others > 0 { lines.append("other things skipped (\(others) times)") }
    return lines.map(\.onOneLine)
  }
}
