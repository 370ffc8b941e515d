internal import CRepriseRecorder
internal import Synchronization

/// A list that a caller passed in: a pointer and a count.
@safe struct List<Element> {
  let buffer: UnsafeBufferPointer<Element>

  /// `nil` where the count is too large, or above zero without a pointer.
  @inline(__always)
  init?(_ start: UnsafePointer<Element>?, _ count: Int, max: Int = RecorderLimits.rowsMax) {
    guard count >= 0, count <= max, unsafe count == 0 || start != nil else { return nil }
    unsafe buffer = UnsafeBufferPointer(start: count == 0 ? nil : start, count: count)
  }
}

/// Rows that a caller passed in; none for NULL.
struct RowsPassedIn {
  let requests: List<UInt32>
  let computed: List<UInt32>
  let queries: List<UInt32>

  @inline(__always)
  init?(_ rows: UnsafePointer<reprise_recorder_rows>?) {
    let rows = unsafe rows?.pointee
    let count = unsafe rows?.count ?? 0
    guard let requests = unsafe List(rows?.request, count),
      let computed = unsafe List(rows?.computed, count),
      let queries = unsafe List(rows?.query, count)
    else { return nil }
    self.requests = requests
    self.computed = computed
    self.queries = queries
  }
}

extension StepScalarsPassedIn {
  @inline(__always)
  init(_ info: reprise_recorder_step_info) {
    unsafe self.init(
      number: info.number, scheduleStart: info.schedule_start_ns,
      scheduleEnd: info.schedule_end_ns, waiting: info.waiting, running: info.running,
      freeKVBlocks: info.free_kv_blocks)
  }
}

extension Recorder {
  /// The recorder behind a handle; `nil` for NULL and in a forked child.
  @inline(__always)
  static func of(_ handle: OpaquePointer?) -> Recorder? {
    guard let handle = unsafe handle else { return nil }
    let recorder = unsafe Unmanaged<Recorder>.fromOpaque(UnsafeRawPointer(handle))
      .takeUnretainedValue()
    return recorder.isOurs ? recorder : nil
  }
}

/// Calls `body` with the intake of a handle's recorder, under its lock.
@inline(__always)
func with(
  _ handle: OpaquePointer?, _ body: (inout RecorderIntake) -> IntakeResult
) -> Int32 {
  guard let recorder = unsafe Recorder.of(handle) else { return IntakeResult.ended.rawValue }
  return recorder.intake.withLock { intake in body(&intake) }.rawValue
}

/// Text that comes and goes as C has it.
enum CString {
  /// The bytes up to the terminating zero.
  static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
    var bytes: [UInt8] = []
    var place = unsafe text
    while unsafe place.pointee != 0 {
      unsafe bytes.append(UInt8(bitPattern: place.pointee))
      unsafe place += 1
    }
    return bytes
  }

  /// Copies as much of a text as fits, and a zero behind it.
  static func copy(_ text: String, to target: UnsafeMutablePointer<CChar>?, size: Int) {
    guard let target = unsafe target, size > 0 else { return }
    var count = 0
    for byte in text.utf8.prefix(size - 1) {
      unsafe target[count] = CChar(bitPattern: byte)
      count += 1
    }
    unsafe target[count] = 0
  }
}
