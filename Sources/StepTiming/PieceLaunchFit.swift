internal import TraceModel

/// How launches in pieces of one kind stand to those of another; `nil` where too few of either were seen.
public struct LaunchShares: Hashable, Sendable {
  /// Those without prompts to those with prompts.
  public var decode: Double?
  /// Those with attention from a library to those with attention in Triton.
  public var library: Double?

  /// Shares, where they are known.
  public init(decode: Double? = nil, library: Double? = nil) {
    self.decode = decode
    self.library = library
  }

  /// The middle of several machines'.
  init(_ machines: [LaunchShares]) {
    decode = machines.compactMap(\.decode).upperMedian
    library = machines.compactMap(\.library).upperMedian
  }
}

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
    /// Of steps without prompts, of any size.
    var decode = CensoredDelays()

    var count: Int { known.count + new.count }
    var seenCount: Int { known.seenCount + new.seenCount + decode.seenCount }

    /// What launches without prompts take, as a share of those with prompts.
    var decodeShare: Double? {
      guard min(decode.count, known.count) >= launchesMin, let decode = decode.median,
        let known = known.median, known > .zero
      else { return nil }
      return decode.seconds / known.seconds
    }

    /// With launches without prompts as if they had some, where others are few.
    func withDecode(share: Double) -> Process {
      guard count < launchesMin, share > 0 else { return self }
      var all = self
      all.known.add(
        decode.scaled(by: Nanoseconds(1_000_000), over: Nanoseconds(max(1, Int64(share * 1e6)))))
      return all
    }
  }

  /// What is found.
  struct Times {
    /// The middle launch with attention in Triton, and with a library's.
    var middles: (triton: Nanoseconds, library: Nanoseconds)
    /// How launches of one process with Triton differ from its middle one.
    var spread = DelaySpread.none
    /// How those of new sizes do; none where they do as the others.
    var newSizes = DelaySpread.none
    /// How those without prompts do, in proportion; none where few were seen.
    var decodeSpread = DelaySpread.none
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
  mutating func note(isNewSize: Bool, hasPrompts: Bool, _ note: (inout CensoredDelays) -> Void) {
    if !hasPrompts {
      note(&processes[0].decode)
    } else if isNewSize {
      note(&processes[0].new)
    } else {
      note(&processes[0].known)
    }
  }

  /// How kinds of launches stand to each other: without prompts to with prompts in the middle process of
  /// those that did enough of both, a library's to Triton's over all processes.
  var shares: LaunchShares {
    var shares = LaunchShares(decode: processes.compactMap(\.decodeShare).upperMedian)
    let (triton, library) = (Kind(processes, usesTriton: true), Kind(processes, usesTriton: false))
    if min(triton.count, library.count) >= Self.launchesMin, let triton = triton.middle,
      let library = library.middle, triton > .zero
    {
      shares.library = library.seconds / triton.seconds
    }
    return shares
  }

  /// The middle launch with prompts of the process that is being seen; `nil` where few were seen.
  var middle: Nanoseconds? {
    let launches = merged(processes[0].known, processes[0].new)
    return launches.count < Self.launchesMin ? nil : launches.median
  }

  /// Launches that were seen.
  var seenCount: Int { processes.reduce(0) { $0 + $1.seenCount } }

  /// Takes other processes in.
  mutating func add(_ other: PieceLaunchFit) { processes += other.processes }

  /// The middle launch of each kind, how launches with Triton differ from it, and how processes do.
  ///
  /// - `fallback`: what is known of another host, and of how many layers its model had
  /// - `decodeShare`: what launches without prompts take, as a share of those with prompts
  /// - `libraryShare`: what those with a library take, as a share of Triton's, where no other host is known
  func times(
    layers: Int, fallback: HostTiming?, fallbackLayers: Int, decodeShare: Double = 1,
    libraryShare: Double = 1
  ) -> Times {
    let processes = processes.map { $0.withDecode(share: decodeShare) }
    let other = (fallback?.pieceLaunch ?? .zero, fallback?.libraryPieceLaunch ?? .zero)
    // A few first launches of sizes tell of no others; those follow from another host's.
    let areFirst =
      fallback != nil && processes.allSatisfy { $0.known.count == 0 }
      && processes.reduce(0) { $0 + $1.new.count } < Self.launchesMin
    let told = areFirst ? [] : processes
    let kinds = [Kind(told, usesTriton: true), Kind(told, usesTriton: false)]
    var times = Times(middles: other)
    let unit = Nanoseconds(1_000_000)
    let ratio =
      other.0 > .zero && other.1 > .zero
      ? other : (unit, unit.scaled(by: min(max(libraryShare, 1e-3), 1e3)))
    switch (kinds[0].middle, kinds[1].middle) {
    case (let triton?, let library?): times.middles = (triton, library)
    case (let triton?, nil): times.middles = (triton, triton.scaled(by: ratio.1, over: ratio.0))
    case (nil, let library?): times.middles = (library.scaled(by: ratio.0, over: ratio.1), library)
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
      ?? (areFirst ? Self.firstLaunches(processes, times.middles) : nil)
      ?? (kinds.allSatisfy { $0.middle == nil } ? known(fallback?.newSizeSpread) : .none)
    times.decodeSpread =
      Self.decodeSpread(processes, as: middle) ?? known(fallback?.decodeLaunchSpread)
    let paces = kinds.flatMap(\.paces).sorted()
    times.paces =
      paces.count >= Self.processesMin
      ? paces.map { $0 / paces[paces.count / 2] } : fallback?.processPaces ?? []
    return times
  }

  /// How launches of new sizes differ from Triton's middle one; `nil` where there were none.
  private static func firstLaunches(
    _ processes: [Process], _ middles: (triton: Nanoseconds, library: Nanoseconds)
  ) -> DelaySpread? {
    let launches = merged(
      processes.map { process in
        process.usesTriton
          ? process.new : process.new.scaled(by: middles.triton, over: middles.library)
      })
    guard launches.count > 0 else { return nil }
    return DelaySpread(offsets: launches.quantiles(quantiles).map { $0 - middles.triton })
  }

  /// How launches without prompts differ within a process, had their middle one taken so long.
  private static func decodeSpread(
    _ processes: [Process], as middle: Nanoseconds
  ) -> DelaySpread? {
    let launches = merged(
      processes.compactMap { process in
        guard process.decode.count >= launchesMin, let own = process.decode.median,
          own > .zero
        else { return nil }
        return process.decode.scaled(by: middle, over: own)
      })
    return spread(launches, around: middle)
  }

  private static func spread(
    _ launches: CensoredDelays, around middle: Nanoseconds
  ) -> DelaySpread? {
    guard launches.count >= launchesMin else { return nil }
    return DelaySpread(offsets: launches.quantiles(quantiles).map { $0 - middle })
  }

  /// Launches of one kind over all processes.
  private struct Kind {
    let middle: Nanoseconds?
    /// Launches that it is the middle of.
    let count: Int
    private(set) var spread: DelaySpread?
    private(set) var newSizes: DelaySpread?
    private(set) var paces: [Double] = []

    init(_ all: [Process], usesTriton: Bool) {
      let processes = all.filter { $0.usesTriton == usesTriton }
      let known = merged(processes.map(\.known))
      let new = merged(processes.map(\.new))
      count = known.count + new.count
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
      spread = PieceLaunchFit.spread(atPace.known, around: middle)
      newSizes = tellsNew ? PieceLaunchFit.spread(atPace.new, around: middle) : nil
    }
  }
}

private func merged(_ delays: CensoredDelays...) -> CensoredDelays { merged(delays) }

private func merged(_ delays: [CensoredDelays]) -> CensoredDelays {
  delays.reduce(into: CensoredDelays()) { $0.add($1) }
}
