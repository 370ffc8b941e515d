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

  /// The next graph of the round, which has been captured.
  fileprivate func graph() -> ReplayableGraph {
    let index = next
    next = (next + 1) % graphCount
    callsLaunched += callsPerGraph
    return graphs[index]
  }

  /// Captures those of the next graphs that are not, since an idle GPU is cheaper before timing than within
  /// it.
  fileprivate func capture(
    next count: Int, on stream: borrowing CUDAStream, captured: inout Int
  ) throws(CUDAError) {
    while graphs.count < min(next + count, graphCount) {
      try capture(graphs.count, on: stream, captured: &captured)
    }
  }

  private func capture(
    _ index: Int, on stream: borrowing CUDAStream, captured: inout Int
  ) throws(CUDAError) {
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
    executable = try graph.instantiate(on: stream)
  }
}

extension AttentionBench {
  /// Replays a round's graphs until the median is known well enough.
  func time(_ round: CallRound) throws(CUDAError) -> BenchResult {
    round.memory = memory
    try rise(round)
    var result = BenchResult(samples: [], discarded: 0, isComplete: false)
    var discards = 0
    while !StoppingRule.isSatisfied(by: result.samples) {
      let isFirst = result.samples.isEmpty
      let count = min(
        isFirst ? GPUMeasurementLimits.replaysFirst : GPUMeasurementLimits.replaysFurther,
        GPUMeasurementLimits.replaysMax - result.samples.count)
      try round.capture(next: count + 1, on: stream, captured: &activity.calls)
      let start = hostTime()
      // One replay ahead of the timed ones, so that the GPU does not wait for the host between events.
      for index in 0...count {
        try precede(round)
        try events[2 * index].event.record(on: stream)
        try round.graph().executable.launch(on: stream)
        try events[2 * index + 1].event.record(on: stream)
      }
      let enqueued = hostTime() - start
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
      let all = try events[2 * count + 1].event.elapsed(since: events[0].event)
      if enqueued.seconds > GPUMeasurementLimits.enqueuedShareMax * all.seconds {
        result.mayHaveWaited = true
      }
      if let reading, isDiscarded(reading, count, &result) {
        discards += 1
        if discards < GPUMeasurementLimits.discardsMax { continue }
      }
      result.samples += samples
    }
    result.isComplete = discards < GPUMeasurementLimits.discardsMax
    return result
  }

  /// Whether the clock was too low for what was replayed meanwhile, or heat or supply held the GPU back.
  private func isDiscarded(
    _ reading: ClockReading, _ count: Int, _ result: inout BenchResult
  ) -> Bool {
    result.clocks = reading
    bestMegahertz = max(bestMegahertz, reading.smMegahertz)
    let least = GPUMeasurementLimits.clockShareMin * Double(bestMegahertz)
    let isSlow = Double(reading.smMegahertz) < least
    guard isSlow || !reading.throttling.isDisjoint(with: .disturbing) else { return false }
    result.discarded += count
    note(
      "replays at an SM clock of \(reading.smMegahertz) MHz were discarded "
        + "(best seen \(bestMegahertz) MHz, throttle reasons \(reading.throttling.rawValue))")
    return true
  }

  private func precede(_ round: CallRound) throws(CUDAError) {
    if let product = round.product { try products?.enqueue(product, in: context) }
  }

  /// Keeps the GPU busy before the first measurement, since an idle one clocks down.
  private func rise(_ round: CallRound) throws(CUDAError) {
    guard warmUp > .zero else { return }
    let start = ContinuousClock.now
    while ContinuousClock.now - start < warmUp {
      try round.capture(next: 8, on: stream, captured: &activity.calls)
      for _ in 0..<8 {
        try precede(round)
        try round.graph().executable.launch(on: stream)
      }
      try stream.synchronize()
    }
    warmUp = .zero
    activity.startUp = activity.startUp + Self.time(since: start)
  }
}
