import TraceModel

@testable import TraceFile

/// A whole trace in memory, as tests write and compare it.
struct SampleTrace: Equatable {
  var header = TraceHeader()
  var requests: [TraceRequest] = []
  var steps: [TraceStep] = []
  var gaps: [TraceGap] = []

  /// Writes requests right before the first step that names them, as a recorder does.
  func write(to path: String, flushEvery steps: Int = .max) throws {
    var writer = try TraceWriter(path: path, header: header)
    try append(to: &writer, flushEvery: steps)
    try writer.finish()
  }

  /// Writes everything as `write`, then leaves the partial file as a crash would.
  func writePartial(to path: String, flushEvery steps: Int) throws {
    var writer = try TraceWriter(path: path, header: header)
    try append(to: &writer, flushEvery: steps)
    try writer.flush()
    writer.abandon()
  }

  private func append(to writer: inout TraceWriter, flushEvery interval: Int) throws {
    var next = 0
    for (place, step) in steps.enumerated() {
      let named = [step.rows.map(\.request), step.finished, step.preempted].joined()
      let needed = Int(named.max() ?? -1) + 1
      while next < needed {
        try writer.append(requests[next])
        next += 1
      }
      try writer.append(step)
      if (place + 1) % interval == 0 { try writer.flush() }
    }
    for request in requests[next...] { try writer.append(request) }
    for gap in gaps { try writer.append(gap) }
  }

  /// Reads a whole trace.
  init(reading path: String) throws {
    let reader = try TraceReader(path: path)
    header = reader.header
    requests = try reader.requests()
    steps = try Self.all(try reader.steps())
    gaps = reader.gaps
  }

  init() {}

  /// What a sequence of steps still gives.
  static func all(_ reader: TraceStepReader) throws -> [TraceStep] {
    var reader = reader
    var steps: [TraceStep] = []
    var step = TraceStep()
    while try reader.next(into: &step) { steps.append(step) }
    return steps
  }
}

extension SampleTrace {
  /// How a random trace is made.
  struct Recipe {
    /// Requests, and the most steps.
    var requests = 12
    var stepsMax = 60
    /// The engine is asynchronous: a request's end is seen a step later.
    var isAsynchronous = true
    /// One row, list or value in so many is not as an engine would have it; 0 for none.
    var oddOneIn = 0
    /// Times are multiples of this many nanoseconds.
    var unit: Int64 = 1000
    /// Whether steps have counts of waiting and running requests and free blocks.
    var hasCounts = true
    var hasPrefixBlocks = false
    /// Whether every third request knows how many tokens it asked for.
    var hasLimits = false
  }

  /// A trace as a small engine makes it, with oddities as the recipe says.
  init(_ recipe: Recipe, seed: UInt64) {
    var dice = SeededDice(seed: seed)
    header = Self.sampleHeader
    for id in 0..<recipe.requests {
      requests.append(Self.request(id, recipe, &dice, after: requests))
    }
    var engine = SampleEngine(requests: requests, recipe: recipe)
    while steps.count < recipe.stepsMax, let step = engine.step(&dice) { steps.append(step) }
    if recipe.oddOneIn > 0, let last = steps.last {
      gaps = [
        TraceGap(afterStep: -1, droppedSteps: 3),
        TraceGap(afterStep: last.number, droppedSteps: 1),
      ]
    }
  }

  static let sampleHeader = TraceHeader(members: [
    .init("schema", .string("engine-step-log/1")), .init("engine", .string("sample")),
    .init("kv_block_size", .integer(16)), .init("max_num_batched_tokens", .integer(64)),
    .init("prefix_block_tokens", .integer(16)), .init("note", .string("ünï\"code")),
    .init("odd", .array([.null, .bool(true), .number(1.5)])),
  ])

  private static func request(
    _ id: Int, _ recipe: Recipe, _ dice: inout SeededDice, after earlier: [TraceRequest]
  ) -> TraceRequest {
    let isOdd = recipe.oddOneIn > 0 && dice.oneIn(recipe.oddOneIn)
    let arrival = (earlier.last?.arrival.rawValue ?? 0) + dice.roll(0...50_000) * recipe.unit
    let prompt = isOdd ? dice.roll(0...1) : dice.roll(1...200)
    var blocks: [UInt64] = []
    if recipe.hasPrefixBlocks {
      let sharer = earlier.randomElement(using: &dice)
      blocks = Array(sharer?.prefixBlocks.prefix(dice.roll(0...9)) ?? [])
      let new = (earlier.flatMap(\.prefixBlocks).max() ?? 0) &+ 1
      while blocks.count < (prompt + 15) / 16 {
        blocks.append(isOdd ? dice.next() : new &+ UInt64(blocks.count))
      }
    }
    var request = TraceRequest(
      id: RequestID(isOdd ? dice.roll(Int64.min...Int64.max) : Int64(id)),
      arrival: Nanoseconds(isOdd ? -arrival : arrival), promptTokens: TokenCount(Int32(prompt)),
      outputTokens: TokenCount(isOdd ? dice.roll(0...2) : dice.roll(1...40)), prefixBlocks: blocks)
    if recipe.hasLimits, id % 3 == 1 {
      request.outputLimit = request.outputTokens + TokenCount(dice.roll(0...500))
    }
    return request
  }
}
