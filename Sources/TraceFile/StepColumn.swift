/// The columns of a chunk of steps, by their numbers in the file.
enum StepColumn: UInt16, CaseIterable {
  /// Which optional values a step has: bit 0 output, 1 GPU time, 2 forward time, 3 waiting,
  /// 4 running, 5 free KV blocks.
  case presence = 1
  case number = 2
  case scheduleStart = 3
  case scheduleEnd = 4
  case output = 5
  case gpuTime = 6
  case forwardTime = 7
  case waiting = 8
  case running = 9
  case freeKVBlocks = 10
  /// How the rows follow from the prediction: 0 exactly, 1 with edits, 2 not at all.
  case rowMode = 11
  /// Edits, or whole rows.
  case rows = 12
  case preempted = 13
  /// 0 as predicted; otherwise one more than the count, then the requests.
  case finished = 14
}

/// The state that predicts a chunk's next step from those before it; the same in writer and reader.
///
/// All times are microseconds, GPU times tenths of one. Averages are kept in sixteenths and move by half
/// of each surprise, so that a change of load is followed within a few steps. A prediction
/// never reaches over the start of a chunk, which is what makes chunks independent.
struct StepPredictor {
  /// A running mean of integers, in sixteenths.
  struct Average {
    private var sixteenths: Int64 = 0
    private var isEmpty = true

    var value: Int64 { sixteenths >> 4 }

    mutating func add(_ value: Int64) {
      // Pauses of the host are no news about the next step.
      let bounded = min(max(value, -(1 << 40)), 1 << 40)
      if isEmpty {
        sixteenths = bounded << 4
        isEmpty = false
      } else {
        sixteenths += ((bounded << 4) - sixteenths) >> 1
      }
    }
  }

  var number: Int64 = -1
  var scheduleStart: Int64 = 0
  /// The last two outputs, the newer second; equal to `scheduleEnd` of their step where there was none.
  var outputs: (Int64, Int64) = (0, 0)
  var waiting: Int64 = 0
  var freeKVBlocks: Int64 = 0
  /// From the output before the last to the next scheduling, and the scheduler's own time.
  var delay = Average()
  var scheduling = Average()
  /// Tenths of a microsecond between GPU time and forward time.
  var afterForward = Average()
  /// GPU time by the class of a batch: its rows up to 63, and whether one has more than one token.
  private var gpuTimes: [Average]

  init() { gpuTimes = Array(repeating: Average(), count: 128) }

  static func batchClass(rows: Int, isMixed: Bool) -> Int { min(rows, 63) * 2 + (isMixed ? 1 : 0) }

  func gpuTime(ofClass index: Int) -> Int64 { gpuTimes[index].value }
  mutating func add(gpuTime: Int64, toClass index: Int) { gpuTimes[index].add(gpuTime) }

  /// When a step of so much GPU time ends: after the step before it, or after its own scheduling.
  func output(scheduleEnd: Int64, gpuTime: Int64?) -> Int64 {
    max(outputs.1, scheduleEnd) &+ ((gpuTime ?? 0) &+ 5) / 10
  }
}
