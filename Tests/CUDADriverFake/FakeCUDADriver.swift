import CCUDADriver
public import CUDADriver

/// A driver without a GPU: writes every call as a line, counts what is taken and fails on demand.
///
/// Handles are small numbers, given in the order of making. Device memory is real memory of the host,
/// so copies can be compared; kernels do nothing but cost `kernelMicroseconds` of pretended GPU time.
@safe public final class FakeCUDADriver {
  /// Every call in order, one line each; calls for error texts are left out.
  public internal(set) var lines: [String] = []
  /// Devices that it shows.
  public var devices = 1
  /// Device memory that it has.
  public var memoryBytes = 1 << 30
  /// The name of its devices.
  public var deviceName = "NVIDIA Fake 200"
  /// L2 cache of a device, in bytes.
  public var l2Bytes: Int32 = 60 << 20
  /// Bytes between the addresses of two buffers; raise it for buffers larger than this.
  public var spacing = 1 << 24
  /// What one launch of a kernel costs in pretended GPU time.
  public var kernelMicroseconds = 25.0

  /// A failure to come.
  struct Injection {
    var call: String
    var code: CUDAErrorCode
    var remaining: Int
  }

  /// What there is of one handle.
  enum Object: Equatable {
    case context, module, stream, event
    case graph(launches: Int), executable(launches: Int)
    case memory(bytes: Int), pinned(bytes: Int)
  }

  var injections: [Injection] = []
  /// The error of a lost context, which every later call gives.
  var lost: CUDAErrorCode?
  var live: [Int: Object] = [:]
  var storage: [Int: UnsafeMutableRawBufferPointer] = unsafe [:]
  var lastHandle = 0
  /// Launches since a capture began; `nil` while none is going on.
  var captured: Int?
  var busyMicroseconds = 0.0
  var eventTimes: [Int: Double] = [:]

  /// A fake with nothing taken.
  public init() {}

  deinit { unsafe storage.values.forEach { unsafe $0.deallocate() } }

  /// Makes the `occurrence`-th next call of a name fail.
  ///
  /// A failure that costs the context is given to every later call too, as a GPU does.
  public func fail(_ call: String, with code: CUDAErrorCode, occurrence: Int = 1) {
    injections.append(Injection(call: call, code: code, remaining: occurrence))
  }

  /// All calls as text, for comparison.
  public var transcript: String { lines.map { $0 + "\n" }.joined() }

  /// What was taken and not given back, one line each; empty where nothing leaks.
  public var leaks: [String] {
    live.sorted { $0.key < $1.key }.map { "\(Self.name(of: $0.value)) \($0.key)" }
  }

  static func name(of object: Object) -> String {
    switch object {
    case .context: "context"
    case .module: "module"
    case .stream: "stream"
    case .event: "event"
    case .graph: "graph"
    case .executable: "executable graph"
    case .memory: "device memory"
    case .pinned: "pinned memory"
    }
  }
}

// What the single calls have in common.
extension FakeCUDADriver {
  /// Writes the line of a call and answers it, with an injected failure or with what `body` does.
  func call(_ name: String, _ arguments: String = "", _ body: () -> String) -> CUresult {
    let call = "\(name)(\(arguments))"
    if let code = injectedFailure(name) ?? lost {
      lines.append("\(call) = \(Self.errorName(code))")
      return code.rawValue
    }
    let answer = body()
    lines.append(answer.isEmpty ? call : "\(call) -> \(answer)")
    return 0
  }

  private func injectedFailure(_ name: String) -> CUDAErrorCode? {
    guard let index = injections.firstIndex(where: { $0.call == name }) else { return nil }
    injections[index].remaining -= 1
    guard injections[index].remaining == 0 else { return nil }
    let code = injections.remove(at: index).code
    if code.isSticky { lost = code }
    return code
  }

  /// Writes the line of a call that takes something, and fills in its handle.
  func make(
    _ name: String, _ arguments: String = "", _ object: Object,
    _ handle: UnsafeMutablePointer<OpaquePointer?>
  ) -> CUresult {
    call(name, arguments) {
      let number = take(object)
      unsafe handle.pointee = OpaquePointer(bitPattern: number)
      return "\(Self.name(of: object)) \(number)"
    }
  }

  /// Writes the line of a call that gives something back.
  ///
  /// After a lost context such calls fail; the process's end frees what they meant, so that it does
  /// not count as leaked.
  func release(_ name: String, _ number: Int) -> CUresult {
    let object = live.removeValue(forKey: number)
    return call(name, object.map { "\(Self.name(of: $0)) \(number)" } ?? "unknown \(number)") { "" }
  }

  func take(_ object: Object) -> Int {
    lastHandle += 1
    live[lastHandle] = object
    return lastHandle
  }

  static func number(_ handle: OpaquePointer?) -> Int { Int(bitPattern: handle) }

  static func errorName(_ code: CUDAErrorCode) -> StaticString {
    switch code {
    case .invalidValue: "CUDA_ERROR_INVALID_VALUE"
    case .outOfMemory: "CUDA_ERROR_OUT_OF_MEMORY"
    case .noDevice: "CUDA_ERROR_NO_DEVICE"
    case .invalidDevice: "CUDA_ERROR_INVALID_DEVICE"
    case .invalidImage: "CUDA_ERROR_INVALID_IMAGE"
    case .noBinaryForGPU: "CUDA_ERROR_NO_BINARY_FOR_GPU"
    case .notFound: "CUDA_ERROR_NOT_FOUND"
    case .illegalAddress: "CUDA_ERROR_ILLEGAL_ADDRESS"
    case .launchOutOfResources: "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
    case .launchFailed: "CUDA_ERROR_LAUNCH_FAILED"
    case .streamCaptureInvalidated: "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
    default: "CUDA_ERROR_UNKNOWN"
    }
  }
}
