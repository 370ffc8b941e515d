/// Columns of text, aligned: the first to the left, numbers to the right.
struct TextTable {
  /// To which side a column's cells are pushed.
  enum Alignment {
    case left
    case right
  }

  private let alignments: [Alignment]
  private var rows: [[String]] = []
  private var breaks: Set<Int> = []

  /// A table with a heading row.
  init(_ columns: [(heading: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows.append(columns.map(\.heading))
  }

  /// Adds a row; missing cells at the end are empty.
  mutating func add(_ cells: [String]) {
    rows.append(cells + Array(repeating: "", count: max(0, alignments.count - cells.count)))
  }

  /// Leaves a line empty before the next row.
  mutating func addBreak() { breaks.insert(rows.count) }

  /// The table's lines, each ended by a newline; spaces at their ends are left out.
  func text(indent: Int = 0) -> String {
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let margin = String(repeating: " ", count: indent)
    var text = ""
    for (number, row) in rows.enumerated() {
      if breaks.contains(number) { text += "\n" }
      var line = margin
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += column > 0 ? "  " : ""
        line += alignments[column] == .left ? cell + padding : padding + cell
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }
}
