/// Predicts a step's counts of waiting and running requests and of free KV blocks.
///
/// Waiting: those of the last step that said so, less the requests that came in, plus those preempted.
/// Running: the rows, and the requests that had their last row but are not yet reported finished.
/// Free blocks: those of the last step that said so, with the blocks that were used then and are now.
struct StepCounts {
  private(set) var waiting: Int64 = 0
  private(set) var running: Int64 = 0
  private(set) var freeKVBlocks: Int64 = 0
  private var lastWaiting: Int64 = 0
  /// Free and used blocks of the last step that said how many are free.
  private var lastBlocks: Int64 = 0
  private var usedBlocks: Int64 = 0

  @inline(__always)
  mutating func expect(
    rows: Int64, admitted: Int64, preempted: Int64, pending: Int64, usedBlocks: Int64
  ) {
    waiting = max(0, lastWaiting - admitted + preempted)
    running = rows + pending
    freeKVBlocks = lastBlocks - usedBlocks
    self.usedBlocks = usedBlocks
  }

  @inline(__always)
  mutating func note(waiting: Int32?, freeKVBlocks: Int32?) {
    if let waiting { lastWaiting = Int64(waiting) }
    if let freeKVBlocks { lastBlocks = Int64(freeKVBlocks) + usedBlocks }
  }
}
