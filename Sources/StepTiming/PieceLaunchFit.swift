internal import TraceModel

/// Finds how long launches in pieces take, and how they differ.
///
/// What launches attention tells two kinds apart: Triton, whose launcher takes the host a while in
/// every layer, and a library. A recording shows one kind; the other follows in the proportion that
/// another host's have.
struct PieceLaunchFit: Sendable {
  /// Launches with attention in Triton.
  var triton = CensoredDelays()
  /// Launches with attention from a library.
  var library = CensoredDelays()

  /// Launches below which no spread is told.
  private static let spreadLaunchesMin = 24
  /// Odd, so that the middle launch is one of them.
  private static let quantiles = 33

  /// Launches that were seen.
  var seenCount: Int { triton.seenCount + library.seenCount }

  /// Takes another recording's in.
  mutating func add(_ other: PieceLaunchFit) {
    triton.add(other.triton)
    library.add(other.library)
  }

  /// The middle launch of each kind, and how launches with Triton differ from it.
  ///
  /// - `fallback`: what is known of another host, and of how many layers its model had
  func times(
    layers: Int, fallback: HostTiming?, fallbackLayers: Int
  ) -> (triton: Nanoseconds, library: Nanoseconds, spread: DelaySpread) {
    let known = (fallback?.pieceLaunch ?? .zero, fallback?.libraryPieceLaunch ?? .zero)
    let middles: (Nanoseconds, Nanoseconds)
    switch (triton.median, library.median) {
    case (let triton?, let library?): middles = (triton, library)
    case (let triton?, nil): middles = (triton, triton.scaled(by: known.1, over: known.0))
    case (nil, let library?): middles = (library.scaled(by: known.0, over: known.1), library)
    case (nil, nil):
      let sizes = (Nanoseconds(Int64(layers)), Nanoseconds(Int64(max(1, fallbackLayers))))
      middles = (
        known.0.scaled(by: sizes.0, over: sizes.1), known.1.scaled(by: sizes.0, over: sizes.1)
      )
    }
    let spread =
      Self.spread(triton) ?? Self.spread(library)?.scaled(by: middles.0, over: middles.1)
      ?? fallback?.pieceLaunchSpread.scaled(by: middles.0, over: known.0) ?? .none
    return (middles.0, middles.1, spread)
  }

  private static func spread(_ launches: CensoredDelays) -> DelaySpread? {
    guard launches.count >= spreadLaunchesMin, let middle = launches.median else { return nil }
    return DelaySpread(offsets: launches.quantiles(quantiles).map { $0 - middle })
  }
}
