extension RandomAccessCollection {
  /// The first index whose element passes a test that all elements behind it pass; the end where none does.
  @inlinable
  public func partitioningIndex(where passes: (Element) throws -> Bool) rethrows -> Index {
    var low = startIndex
    var count = count
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if try passes(self[middle]) {
        count = half
      } else {
        low = index(after: middle)
        count -= half + 1
      }
    }
    return low
  }
}
