import TraceModel

/// A small engine that makes batches much as a real one does, and oddities as a recipe says.
struct SampleEngine {
  let requests: [TraceRequest]
  let recipe: SampleTrace.Recipe
  private var waiting: [Int32]
  private var running: [StepRow] = []
  private var ended: [[Int32]] = [[], [], []]
  private var number: Int64 = 0
  private var clock: Int64 = 0

  init(requests: [TraceRequest], recipe: SampleTrace.Recipe) {
    self.requests = requests
    self.recipe = recipe
    waiting = requests.indices.map(Int32.init)
  }

  /// The next step; `nil` when nothing is left to do.
  mutating func step(_ dice: inout SeededDice) -> TraceStep? {
    func odd(_ dice: inout SeededDice) -> Bool {
      recipe.oddOneIn > 0 && dice.oneIn(recipe.oddOneIn)
    }
    let rows = batch(&dice)
    guard !rows.isEmpty || !ended.joined().isEmpty else { return nil }
    let lag = recipe.isAsynchronous ? 2 : 1
    var step = TraceStep(number: number, rows: rows)
    step.finished = ended[lag - 1]
    step.running = Int32(rows.count + ended[..<(lag - 1)].joined().count)
    step.waiting = Int32(waiting.count)
    let blocks = rows.reduce(0) { $0 + ($1.kvLength.value + 15) / 16 }
    step.freeKVBlocks = Int32(1000 - blocks)
    time(&step, &dice)
    if odd(&dice) { step.finished = [dice.roll(0...Int32(requests.count - 1)), 0] }
    if odd(&dice) { step.preempted = [dice.roll(0...Int32(requests.count - 1))] }
    if odd(&dice) { step.rows.shuffle(using: &dice) }
    if odd(&dice) { step.rows.append(contentsOf: step.rows.suffix(1)) }
    if odd(&dice), !step.rows.isEmpty {
      let place = Int(dice.next() % UInt64(step.rows.count))
      step.rows[place].computed = TokenCount(dice.roll(0...((1 << 29) - 1)))
      step.rows[place].queryLength = TokenCount(dice.roll(1...(1 << 29)))
    }
    if odd(&dice) { step.output = nil }
    if odd(&dice) { step.gpuTime = nil }
    if odd(&dice) { step.forwardTime = nil }
    if odd(&dice) || !recipe.hasCounts { step.waiting = nil }
    if odd(&dice) || !recipe.hasCounts { step.running = nil }
    if odd(&dice) || !recipe.hasCounts { step.freeKVBlocks = nil }
    if odd(&dice) { step.waiting = dice.roll(Int32.min...Int32.max) }
    if odd(&dice) { step.scheduleStart = Nanoseconds(dice.roll(-(1 << 61)...(1 << 61))) }
    number += odd(&dice) ? dice.roll(1...1000) : 1
    return step
  }

  /// The rows of a step: those that go on, then new ones as far as the budget reaches.
  private mutating func batch(_ dice: inout SeededDice) -> [StepRow] {
    var budget: Int32 = 64
    var rows: [StepRow] = []
    var done: [Int32] = []
    for row in running {
      let request = requests[Int(row.request)]
      let computed = row.kvLength
      if computed.rawValue >= request.promptTokens.rawValue + request.outputTokens.rawValue - 1 {
        done.append(row.request)
        continue
      }
      let query = min(max(1, request.promptTokens.rawValue - computed.rawValue), max(1, budget))
      rows.append(
        StepRow(request: row.request, computed: computed, queryLength: TokenCount(query)))
      budget -= query
    }
    while budget > 0, rows.count < 8, !waiting.isEmpty, rows.isEmpty || !dice.oneIn(3) {
      let request = waiting.removeFirst()
      let query = min(max(1, requests[Int(request)].promptTokens.rawValue), budget)
      rows.append(StepRow(request: request, computed: .zero, queryLength: TokenCount(query)))
      budget -= query
    }
    running = rows
    ended = [done, ended[0], ended[1]]
    return rows
  }

  private mutating func time(_ step: inout TraceStep, _ dice: inout SeededDice) {
    let unit = recipe.unit
    let gpuUnit = max(1, unit / 10)
    let work = Int64(10_000 + 10 * step.rows.count) * unit / 1000 * 1000
    let gpu = work + dice.roll(0...99) * gpuUnit
    step.scheduleStart = Nanoseconds(clock)
    step.scheduleEnd = Nanoseconds(clock + dice.roll(30...90) * unit)
    step.gpuTime = Nanoseconds(gpu)
    step.forwardTime = Nanoseconds(gpu - dice.roll(180...220) * gpuUnit)
    clock += (gpu / unit + dice.roll(20...60)) * unit
    step.output = Nanoseconds(clock)
  }
}
