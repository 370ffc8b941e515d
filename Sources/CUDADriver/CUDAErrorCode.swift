/// A result of the driver (`CUresult`); those that this program tells apart have names.
public struct CUDAErrorCode: Hashable, Sendable {
  /// The number.
  public var rawValue: Int32

  /// Wraps a number.
  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// The driver's `CUDA_SUCCESS`.
  public static let success = CUDAErrorCode(0)
  /// The driver's `CUDA_ERROR_INVALID_VALUE`.
  public static let invalidValue = CUDAErrorCode(1)
  /// The driver's `CUDA_ERROR_OUT_OF_MEMORY`.
  public static let outOfMemory = CUDAErrorCode(2)
  /// The driver's `CUDA_ERROR_NO_DEVICE`.
  public static let noDevice = CUDAErrorCode(100)
  /// The driver's `CUDA_ERROR_INVALID_DEVICE`.
  public static let invalidDevice = CUDAErrorCode(101)
  /// The driver's `CUDA_ERROR_INVALID_IMAGE`.
  public static let invalidImage = CUDAErrorCode(200)
  /// The driver's `CUDA_ERROR_NO_BINARY_FOR_GPU`.
  public static let noBinaryForGPU = CUDAErrorCode(209)
  /// The driver's `CUDA_ERROR_NOT_FOUND`.
  public static let notFound = CUDAErrorCode(500)
  /// The driver's `CUDA_ERROR_ILLEGAL_ADDRESS`.
  public static let illegalAddress = CUDAErrorCode(700)
  /// The driver's `CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES`.
  public static let launchOutOfResources = CUDAErrorCode(701)
  /// The driver's `CUDA_ERROR_LAUNCH_TIMEOUT`.
  public static let launchTimeout = CUDAErrorCode(702)
  /// The driver's `CUDA_ERROR_LAUNCH_FAILED`.
  public static let launchFailed = CUDAErrorCode(719)
  /// The driver's `CUDA_ERROR_NOT_SUPPORTED`.
  public static let notSupported = CUDAErrorCode(801)
  /// The driver's `CUDA_ERROR_STREAM_CAPTURE_INVALIDATED`.
  public static let streamCaptureInvalidated = CUDAErrorCode(901)

  /// Whether the GPU gave up the whole context: every later call in this process fails too.
  public var isSticky: Bool {
    switch rawValue {
    case 214, 700, 702, 709, 714...719: true
    default: false
    }
  }
}
