internal import KernelSelection

/// Measured calls of one form by the sizes that time follows, with how far each was from a model.
///
/// A k-d tree: the call in the middle of a range divides it, along the side on which it is widest, into
/// those before and those behind. A search leaves out ranges that lie whole beyond what it has found,
/// since sizes of batches fill little of the space between their extremes. Method: Bentley,
/// "Multidimensional binary search trees used for associative searching", 1975.
struct MeasuredNeighbours: Sendable {
  /// Distance below which neighbours count alike: a few tokens in a thousand.
  private static let closest = 0.005
  /// Distance at which a single neighbour counts as much as the model alone.
  private static let reach = 0.15

  /// A measured call.
  struct Call: Sendable {
    let place: SIMD4<Double>
    /// Of measured over modelled time.
    fileprivate let logarithm: Double
    /// Among the calls as they came, which decides between those that are equally near.
    fileprivate var number = 0
    /// The least and the greatest of each side in the range that it divides.
    fileprivate var low: SIMD4<Double>
    fileprivate var high: SIMD4<Double>

    init(_ batch: AttentionBatch, logarithm: Double) {
      place = MeasuredNeighbours.place(of: batch)
      (low, high) = (place, place)
      self.logarithm = logarithm
    }
  }
  private var calls: [Call]

  /// Calls; of those that are equally near, the first count as nearer.
  init(_ calls: [Call]) {
    self.calls = calls
    for index in calls.indices { self.calls[index].number = index }
    var ranges = [0..<calls.count]
    while let range = ranges.popLast() {
      guard range.count > 1 else { continue }
      let middle = Self.middle(of: range)
      let (low, high) = extent(of: range)
      let widths = high - low
      let widest = widths.indices.reduce(0) { widths[$1] > widths[$0] ? $1 : $0 }
      select(middle, in: range, along: widest)
      self.calls[middle].low = low
      self.calls[middle].high = high
      ranges.append(range.lowerBound..<middle)
      ranges.append(middle + 1..<range.upperBound)
    }
  }

  private func extent(of range: Range<Int>) -> (low: SIMD4<Double>, high: SIMD4<Double>) {
    var (low, high) = (calls[range.lowerBound].place, calls[range.lowerBound].place)
    for index in range {
      low = pointwiseMin(low, calls[index].place)
      high = pointwiseMax(high, calls[index].place)
    }
    return (low, high)
  }

  /// Moves the calls of a range: the one at `middle` then has none above it before it, none below it behind.
  ///
  /// Method: Hoare, "Algorithm 65: Find", 1961.
  private mutating func select(_ middle: Int, in range: Range<Int>, along side: Int) {
    var (first, last) = (range.lowerBound, range.upperBound - 1)
    while first < last {
      let pivot = calls[(first + last) / 2].place[side]
      var (low, high) = (first, last)
      while low <= high {
        while calls[low].place[side] < pivot { low += 1 }
        while calls[high].place[side] > pivot { high -= 1 }
        guard low <= high else { break }
        calls.swapAt(low, high)
        low += 1
        high -= 1
      }
      if middle <= high {
        last = high
      } else if middle >= low {
        first = low
      } else {
        return
      }
    }
  }

  /// The logarithm of measured over modelled time that a batch here would have: the mean of the nearest,
  /// by inverse squares of their distances.
  func logarithmicCorrection(of batch: AttentionBatch) -> Double {
    var weights = 1 / (Self.reach * Self.reach)
    var sum = 0.0
    for neighbour in nearest(to: Self.place(of: batch)) {
      let weight = 1 / (neighbour.distance + Self.closest * Self.closest)
      weights += weight
      sum += weight * neighbour.logarithm
    }
    return sum / weights
  }

  /// The eight nearest calls, the nearest first, with the squares of their distances.
  func nearest(to place: SIMD4<Double>) -> [(distance: Double, logarithm: Double)] {
    var nearest = Nearest()
    look(in: 0..<calls.count, from: place, &nearest)
    return (0..<nearest.count).map {
      (nearest.distances[$0], calls[nearest.places[$0]].logarithm)
    }
  }

  /// One value for each neighbour that is looked for.
  private typealias Places<Value> = InlineArray<8, Value>

  /// The nearest calls of those that were looked at, the nearest first.
  private struct Nearest {
    var count = 0
    /// Squares of distances; infinite where none was found.
    var distances = Places(repeating: Double.infinity)
    var places = Places(repeating: 0)
    /// The square beyond which nothing is wanted.
    var worst: Double { distances[distances.count - 1] }
  }

  /// Looks through a range, the nearer half first and the other where it may hold a nearer call.
  private func look(in range: Range<Int>, from place: SIMD4<Double>, _ nearest: inout Nearest) {
    guard !range.isEmpty else { return }
    let middle = Self.middle(of: range)
    let difference = place - calls[middle].place
    insert(middle, at: (difference * difference).sum(), &nearest)
    var near = range.lowerBound..<middle
    var far = middle + 1..<range.upperBound
    var distances = (distance(of: near, from: place), distance(of: far, from: place))
    if distances.1 < distances.0 {
      swap(&near, &far)
      distances = (distances.1, distances.0)
    }
    // A call at the very distance of the last may have come before it.
    if distances.0 <= nearest.worst {
      look(in: near, from: place, &nearest)
    }
    if distances.1 <= nearest.worst {
      look(in: far, from: place, &nearest)
    }
  }

  /// The square of how far a place is outside of what a range holds; infinite where it holds nothing.
  private func distance(of range: Range<Int>, from place: SIMD4<Double>) -> Double {
    guard !range.isEmpty else { return .infinity }
    let node = calls[Self.middle(of: range)]
    var outside = SIMD4<Double>.zero
    outside.replace(with: node.low - place, where: place .< node.low)
    outside.replace(with: place - node.high, where: place .> node.high)
    return (outside * outside).sum()
  }

  private static func middle(of range: Range<Int>) -> Int {
    (range.lowerBound + range.upperBound) / 2
  }

  private func insert(_ index: Int, at distance: Double, _ nearest: inout Nearest) {
    func isNearer(than position: Int) -> Bool {
      let other = nearest.distances[position]
      return distance < other
        || distance == other && calls[index].number < calls[nearest.places[position]].number
    }
    var position = nearest.count
    while position > 0, isNearer(than: position - 1) { position -= 1 }
    guard position < nearest.distances.count else { return }
    nearest.count = min(nearest.count + 1, nearest.distances.count)
    for moved in stride(from: nearest.count - 1, to: position, by: -1) {
      nearest.distances[moved] = nearest.distances[moved - 1]
      nearest.places[moved] = nearest.places[moved - 1]
    }
    nearest.distances[position] = distance
    nearest.places[position] = index
  }

  /// Logarithms of the sizes that a batch's time follows.
  ///
  /// Single tokens: rows launched, rows, the longest, all tokens. With prompts: new tokens, pairs of new
  /// and old tokens, the longest row, the longest row of a single token.
  static func place(of batch: AttentionBatch) -> SIMD4<Double> {
    let summary = batch.summary
    guard !summary.isSingleTokenOnly else {
      return SIMD4(
        logarithm(summary.paddedRows), logarithm(summary.rows), logarithm(summary.maxKVLength),
        logarithm(summary.totalKVLength))
    }
    var pairs = 0
    var longestSingle = 0
    for (query, length) in zip(batch.queryLengths, batch.kvLengths) {
      if query > 1 {
        pairs += Int(query) * Int(length)
      } else {
        longestSingle = max(longestSingle, Int(length))
      }
    }
    return SIMD4(
      logarithm(summary.tokens), logarithm(pairs), logarithm(summary.maxKVLength),
      logarithm(longestSingle))
  }

  private static func logarithm(_ value: Int) -> Double {
    Elementary.logarithm(Double(max(1, value)))
  }
}
