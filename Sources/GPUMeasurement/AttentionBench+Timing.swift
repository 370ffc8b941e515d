internal import CUDADriver
internal import TraceModel

/// The calls of one batch, cut into graphs that follow each other round the copies of its KV.
final class CallRound {
  let plan: LaunchPlan
  let kernels: [LoadedKernel]
  let pools: Int
  let callsPerGraph: Int
  /// Comes before each graph.
  let product: MatrixProducts.Size?
  /// Graphs after which the round begins again.
  let graphCount: Int
  private(set) var callsLaunched = 0
  private var graphs: [ReplayableGraph] = []
  private var next = 0

  init(
    pools: Int, calls: Int, plan: LaunchPlan, kernels: [LoadedKernel],
    product: MatrixProducts.Size?
  ) {
    self.plan = plan
    self.product = product
    self.kernels = kernels
    self.pools = pools
    if calls >= pools {
      graphCount = 1
      callsPerGraph = (calls + pools - 1) / pools * pools
    } else {
      // Pools left over by too small a memory are not read.
      graphCount = pools / calls
      callsPerGraph = calls
    }
  }

  /// The next graph of the round, captured when it is first needed.
  fileprivate func graph(
    on stream: borrowing CUDAStream, captured: inout Int
  ) throws(CUDAError) -> ReplayableGraph {
    let index = next
    next = (next + 1) % graphCount
    callsLaunched += callsPerGraph
    if index < graphs.count { return graphs[index] }
    return try capture(index, on: stream, captured: &captured)
  }

  /// Captures the first graphs, since an idle GPU is cheaper before timing than within it.
  fileprivate func capture(
    first count: Int, on stream: borrowing CUDAStream, captured: inout Int
  ) throws(CUDAError) {
    while graphs.count < min(count, graphCount) {
      _ = try capture(graphs.count, on: stream, captured: &captured)
    }
  }

  private func capture(
    _ index: Int, on stream: borrowing CUDAStream, captured: inout Int
  ) throws(CUDAError) -> ReplayableGraph {
    let graph = try ReplayableGraph(on: stream) { (stream) throws(CUDAError) in
      for call in 0..<callsPerGraph {
        for kernel in kernels {
          try kernel.enqueue(
            plan, memory, pool: (index * callsPerGraph + call) % pools, on: stream)
        }
      }
    }
    captured += callsPerGraph
    graphs.append(graph)
    return graph
  }

  /// Set before the first capture.
  fileprivate(set) var memory = LaunchMemory()
}

/// A graph that an array can hold.
private final class ReplayableGraph {
  let executable: CUDAExecutableGraph

  init(
    on stream: borrowing CUDAStream,
    _ body: (borrowing CUDAStream) throws(CUDAError) -> Void
  ) throws(CUDAError) {
    let graph = try stream.capture { () throws(CUDAError) in try body(stream) }
    executable = try graph.instantiate()
  }
}

extension AttentionBench {
  /// Replays a round's graphs until the median is known well enough.
  func time(_ round: CallRound) throws(CUDAError) -> BenchResult {
    round.memory = memory
    try round.capture(
      first: GPUMeasurementLimits.replaysFirst + 1, on: stream, captured: &activity.calls)
    try rise(round)
    var result = BenchResult(samples: [], clocks: nil, discarded: 0, isComplete: false)
    var discards = 0
    while !StoppingRule.isSatisfied(by: result.samples) {
      let isFirst = result.samples.isEmpty
      let count = min(
        isFirst ? GPUMeasurementLimits.replaysFirst : GPUMeasurementLimits.replaysFurther,
        GPUMeasurementLimits.replaysMax - result.samples.count)
      // One replay ahead of the timed ones, so that the GPU never waits for the host between events.
      for index in 0...count {
        try precede(round)
        try events[2 * index].event.record(on: stream)
        try launchNext(round)
        try events[2 * index + 1].event.record(on: stream)
      }
      // While it runs: an idle GPU's clock says nothing.
      let reading = clocks?.reading()
      try events[2 * count + 1].event.synchronize()
      var samples: [Nanoseconds] = []
      for index in 0...count {
        let elapsed = try events[2 * index + 1].event.elapsed(since: events[2 * index].event)
        activity.busy = activity.busy + elapsed
        if index > 0 {
          samples.append(Nanoseconds(elapsed.rawValue / Int64(round.callsPerGraph)))
        }
      }
      activity.replays += count + 1
      if let reading, isDiscarded(reading, count, &result) {
        discards += 1
        if discards < GPUMeasurementLimits.discardsMax { continue }
      }
      result.samples += samples
    }
    result.isComplete = discards < GPUMeasurementLimits.discardsMax
    return result
  }

  /// Whether the clock was too low for what was replayed meanwhile.
  private func isDiscarded(
    _ reading: ClockReading, _ count: Int, _ result: inout BenchResult
  ) -> Bool {
    result.clocks = reading
    bestMegahertz = max(bestMegahertz, reading.smMegahertz)
    let least = GPUMeasurementLimits.clockShareMin * Double(bestMegahertz)
    guard Double(reading.smMegahertz) < least else { return false }
    result.discarded += count
    note(
      "replays at an SM clock of \(reading.smMegahertz) MHz were discarded "
        + "(best seen \(bestMegahertz) MHz, throttle reasons \(reading.throttling.rawValue))")
    return true
  }

  private func precede(_ round: CallRound) throws(CUDAError) {
    if let product = round.product { try products?.enqueue(product, in: context) }
  }

  private func launchNext(_ round: CallRound) throws(CUDAError) {
    try round.graph(on: stream, captured: &activity.calls).executable.launch(on: stream)
  }

  /// Keeps the GPU busy before the first measurement, since an idle one clocks down.
  private func rise(_ round: CallRound) throws(CUDAError) {
    guard warmUp > .zero else { return }
    let start = ContinuousClock.now
    while ContinuousClock.now - start < warmUp {
      for _ in 0..<8 {
        try precede(round)
        try launchNext(round)
      }
      try stream.synchronize()
    }
    warmUp = .zero
    activity.startUp = activity.startUp + Self.time(since: start)
  }
}
