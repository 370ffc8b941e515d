extension Array where Element: Comparable {
  /// The middle value, the upper of two, in whatever order they stand; `nil` of nothing.
  var upperMedian: Element? { isEmpty ? nil : sorted()[count / 2] }

  /// Of an ascending array that is not empty, the middle values of so many equal parts.
  func middles(ofParts number: Int) -> [Element] {
    (0..<number).map { self[Swift.min(count - 1, (2 * $0 + 1) * count / (2 * number))] }
  }
}
