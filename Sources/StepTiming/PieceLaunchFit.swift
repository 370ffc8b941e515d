internal import TraceModel

/// Finds how long launches in pieces take, and how they differ.
///
/// What launches attention tells two kinds apart: Triton, whose launcher takes the host a while in
/// every layer, and a library. A recording shows one kind; the other follows in the proportion that
/// another host's have. Sizes that a process has not met before take longer, and processes have paces
/// of their own, since other processes share their cores.
struct PieceLaunchFit: Sendable {
  /// Launches that one process was seen to do.
  private struct Process: Sendable {
    /// Whether attention was in Triton.
    let usesTriton: Bool
    /// Of sizes that it had launched before.
    var known = CensoredDelays()
    /// Of sizes that it had not.
    var new = CensoredDelays()

    var count: Int { known.count + new.count }
    var seenCount: Int { known.seenCount + new.seenCount }
  }

  /// What is found.
  struct Times {
    /// The middle launch with attention in Triton, and with a library's.
    var middles: (triton: Nanoseconds, library: Nanoseconds)
    /// How launches of one process with Triton differ from its middle one.
    var spread = DelaySpread.none
    /// How those of new sizes do; none where they do as the others.
    var newSizes = DelaySpread.none
    /// What processes took over the middle one of them, ascending; empty of few.
    var paces: [Double] = []
  }

  /// The first is the one that is being seen.
  private var processes: [Process]

  /// Launches below which no spread is told, and new sizes are not told from known ones.
  private static let launchesMin = 8
  /// Launches of a process below which its pace is not told.
  private static let paceLaunchesMin = 24
  /// Processes below which they are not told apart.
  private static let processesMin = 3
  /// Odd, so that the middle launch is one of them.
  private static let quantiles = 33

  /// A process of which nothing was seen yet, with attention in Triton or in a library.
  init(usesTriton: Bool) { processes = [Process(usesTriton: usesTriton)] }

  /// Notes a launch of the process that is being seen.
  mutating func note(isNewSize: Bool, _ note: (inout CensoredDelays) -> Void) {
    if isNewSize { note(&processes[0].new) } else { note(&processes[0].known) }
  }

  /// Launches that were seen.
  var seenCount: Int { processes.reduce(0) { $0 + $1.seenCount } }

  /// Takes other processes in.
  mutating func add(_ other: PieceLaunchFit) { processes += other.processes }

  /// The middle launch of each kind, how launches with Triton differ from it, and how processes do.
  ///
  /// - `fallback`: what is known of another host, and of how many layers its model had
  func times(layers: Int, fallback: HostTiming?, fallbackLayers: Int) -> Times {
    let other = (fallback?.pieceLaunch ?? .zero, fallback?.libraryPieceLaunch ?? .zero)
    let kinds = [Kind(processes, usesTriton: true), Kind(processes, usesTriton: false)]
    var times = Times(middles: other)
    switch (kinds[0].middle, kinds[1].middle) {
    case (let triton?, let library?): times.middles = (triton, library)
    case (let triton?, nil): times.middles = (triton, triton.scaled(by: other.1, over: other.0))
    case (nil, let library?): times.middles = (library.scaled(by: other.0, over: other.1), library)
    case (nil, nil):
      let sizes = (Nanoseconds(Int64(layers)), Nanoseconds(Int64(max(1, fallbackLayers))))
      times.middles = (
        other.0.scaled(by: sizes.0, over: sizes.1), other.1.scaled(by: sizes.0, over: sizes.1)
      )
    }
    let middle = times.middles.triton
    func spread(_ of: (Kind) -> DelaySpread?) -> DelaySpread? {
      of(kinds[0]) ?? of(kinds[1])?.scaled(by: middle, over: times.middles.library)
    }
    func known(_ spread: DelaySpread?) -> DelaySpread {
      spread?.scaled(by: middle, over: other.0) ?? .none
    }
    times.spread = spread(\.spread) ?? known(fallback?.pieceLaunchSpread)
    // A middle of launches that are not told apart has what new sizes take in it.
    times.newSizes =
      spread(\.newSizes)
      ?? (kinds.allSatisfy { $0.middle == nil } ? known(fallback?.newSizeSpread) : .none)
    let paces = kinds.flatMap(\.paces).sorted()
    times.paces =
      paces.count >= Self.processesMin
      ? paces.map { $0 / paces[paces.count / 2] } : fallback?.processPaces ?? []
    return times
  }

  /// Launches of one kind over all processes.
  private struct Kind {
    let middle: Nanoseconds?
    private(set) var spread: DelaySpread?
    private(set) var newSizes: DelaySpread?
    private(set) var paces: [Double] = []

    init(_ all: [Process], usesTriton: Bool) {
      let processes = all.filter { $0.usesTriton == usesTriton }
      let known = merged(processes.map(\.known))
      let new = merged(processes.map(\.new))
      let tellsNew = min(known.count, new.count) >= launchesMin
      middle = (tellsNew ? known : merged(known, new)).median
      guard let middle else { return }
      let newMiddle = tellsNew ? new.median ?? middle : middle
      var atPace = (known: CensoredDelays(), new: CensoredDelays())
      for process in processes {
        var pace = middle
        if process.count >= paceLaunchesMin {
          let alike = merged(process.known, process.new.scaled(by: middle, over: newMiddle))
          if let own = alike.seenMedian, own > .zero {
            pace = own
            paces.append(own.seconds / middle.seconds)
          }
        }
        atPace.known.add(process.known.scaled(by: middle, over: pace))
        atPace.new.add(process.new.scaled(by: middle, over: pace))
      }
      if !tellsNew { atPace.known.add(atPace.new) }
      spread = Self.spread(atPace.known, around: middle)
      newSizes = tellsNew ? Self.spread(atPace.new, around: middle) : nil
    }

    private static func spread(
      _ launches: CensoredDelays, around middle: Nanoseconds
    ) -> DelaySpread? {
      guard launches.count >= launchesMin else { return nil }
      return DelaySpread(offsets: launches.quantiles(quantiles).map { $0 - middle })
    }
  }
}

private func merged(_ delays: CensoredDelays...) -> CensoredDelays { merged(delays) }

private func merged(_ delays: [CensoredDelays]) -> CensoredDelays {
  delays.reduce(into: CensoredDelays()) { $0.add($1) }
}
