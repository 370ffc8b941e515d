internal import CCUDADriver

/// The functions of NVML that tell what the clocks do; every one of them may be missing.
@safe public struct NVMLFunctions {
  /// NVML's `nvmlInit_v2`.
  public var nvmlInit: () -> Int32
  /// NVML's `nvmlShutdown`.
  public var nvmlShutdown: () -> Int32
  /// NVML's `nvmlSystemGetDriverVersion`.
  public var nvmlSystemGetDriverVersion: (UnsafeMutablePointer<CChar>, UInt32) -> Int32
  /// NVML's `nvmlDeviceGetHandleByPciBusId_v2`.
  public var nvmlDeviceGetHandleByPciBusId:
    (UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  /// NVML's `nvmlDeviceGetClockInfo`.
  public var nvmlDeviceGetClockInfo: (OpaquePointer, Int32, UnsafeMutablePointer<UInt32>) -> Int32
  /// NVML's `nvmlDeviceGetCurrentClocksThrottleReasons`.
  public var nvmlDeviceGetCurrentClocksThrottleReasons:
    (OpaquePointer, UnsafeMutablePointer<UInt64>) -> Int32

  /// A table of given functions, for a fake.
  public init(
    nvmlInit: @escaping () -> Int32, nvmlShutdown: @escaping () -> Int32,
    nvmlSystemGetDriverVersion: @escaping (UnsafeMutablePointer<CChar>, UInt32) -> Int32,
    nvmlDeviceGetHandleByPciBusId:
      @escaping (UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>) -> Int32,
    nvmlDeviceGetClockInfo:
      @escaping (OpaquePointer, Int32, UnsafeMutablePointer<UInt32>) -> Int32,
    nvmlDeviceGetCurrentClocksThrottleReasons:
      @escaping (OpaquePointer, UnsafeMutablePointer<UInt64>) -> Int32
  ) {
    self.nvmlInit = nvmlInit
    self.nvmlShutdown = nvmlShutdown
    unsafe self.nvmlSystemGetDriverVersion = unsafe nvmlSystemGetDriverVersion
    unsafe self.nvmlDeviceGetHandleByPciBusId = unsafe nvmlDeviceGetHandleByPciBusId
    unsafe self.nvmlDeviceGetClockInfo = unsafe nvmlDeviceGetClockInfo
    unsafe self.nvmlDeviceGetCurrentClocksThrottleReasons =
      unsafe nvmlDeviceGetCurrentClocksThrottleReasons
  }

  /// NVML's library as the driver installs it.
  public static let libraryPath = "libnvidia-ml.so.1"

  /// Opens NVML; `nil` where the machine has none, since times can be taken without.
  public static func load(path: String = libraryPath) -> NVMLFunctions? {
    try? NVMLFunctions(library: DynamicLibrary(path: path))
  }

  private init(library: DynamicLibrary) throws(CUDAError) {
    func take<Function>(_ names: [String], as type: Function.Type) throws(CUDAError) -> Function {
      unsafe unsafeBitCast(try library.symbol(names), to: type)
    }
    nvmlInit = try take(["nvmlInit_v2"], as: PFN_nvmlInit.self)
    nvmlShutdown = try take(["nvmlShutdown"], as: PFN_nvmlShutdown.self)
    unsafe nvmlSystemGetDriverVersion = try take(
      ["nvmlSystemGetDriverVersion"], as: PFN_nvmlSystemGetDriverVersion.self)
    unsafe nvmlDeviceGetHandleByPciBusId = try take(
      ["nvmlDeviceGetHandleByPciBusId_v2"], as: PFN_nvmlDeviceGetHandleByPciBusId.self)
    unsafe nvmlDeviceGetClockInfo = try take(
      ["nvmlDeviceGetClockInfo"], as: PFN_nvmlDeviceGetClockInfo.self)
    // Renamed in driver 535; the old name may go.
    unsafe nvmlDeviceGetCurrentClocksThrottleReasons = try take(
      ["nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"],
      as: PFN_nvmlDeviceGetCurrentClocksThrottleReasons.self)
  }
}
