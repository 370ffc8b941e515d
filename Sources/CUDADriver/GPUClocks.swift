/// What the clocks of a GPU did at one moment.
public struct ClockReading: Hashable, Sendable {
  /// The SM clock, in MHz.
  public var smMegahertz: Int
  /// The memory clock, in MHz.
  public var memoryMegahertz: Int
  /// Why the clocks are lower than they could be.
  public var throttling: ThrottleReasons

  /// A reading.
  public init(smMegahertz: Int, memoryMegahertz: Int, throttling: ThrottleReasons) {
    self.smMegahertz = smMegahertz
    self.memoryMegahertz = memoryMegahertz
    self.throttling = throttling
  }
}

/// Why clocks are lower than they could be, as a set of NVML's bits.
public struct ThrottleReasons: OptionSet, Hashable, Sendable {
  /// NVML's bits.
  public var rawValue: UInt64

  /// Wraps NVML's bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Nothing runs.
  public static let idle = ThrottleReasons(rawValue: 0x1)
  /// The power limit.
  public static let powerCap = ThrottleReasons(rawValue: 0x4)
  /// Temperature, power or supply, by hardware.
  public static let hardwareSlowdown = ThrottleReasons(rawValue: 0x8)
  /// Clocks tied to another GPU's.
  public static let syncBoost = ThrottleReasons(rawValue: 0x10)
  /// Temperature, by software.
  public static let thermalSlowdown = ThrottleReasons(rawValue: 0x20)
  /// Temperature, by hardware.
  public static let hardwareThermalSlowdown = ThrottleReasons(rawValue: 0x40)
  /// The supply's own signal.
  public static let powerBrake = ThrottleReasons(rawValue: 0x80)

  /// Those under which a time is not the kernel's own: heat and failing supply.
  ///
  /// The power limit is not among them, since a server runs into it as well.
  public static let disturbing: ThrottleReasons = [
    .hardwareSlowdown, .thermalSlowdown, .hardwareThermalSlowdown, .powerBrake,
  ]
}

/// Reads the clocks of one GPU through NVML, from its making until it is gone.
@safe public struct GPUClocks: ~Copyable {
  private let functions: NVMLFunctions
  private let device: OpaquePointer

  /// Starts NVML for a GPU known by its PCI bus id; `nil` where NVML does not know it.
  public init?(busIdentifier: String, functions: NVMLFunctions? = .load()) {
    guard let functions, functions.nvmlInit() == 0 else { return nil }
    var handle: OpaquePointer?
    guard unsafe functions.nvmlDeviceGetHandleByPciBusId(busIdentifier, &handle) == 0,
      let device = unsafe handle
    else {
      _ = functions.nvmlShutdown()
      return nil
    }
    self.functions = functions
    unsafe self.device = unsafe device
  }

  deinit { _ = functions.nvmlShutdown() }

  /// The present clocks; `nil` where NVML does not tell them.
  public func reading() -> ClockReading? {
    guard let sm = megahertz(of: 1), let memory = megahertz(of: 2) else { return nil }
    var reasons: UInt64 = 0
    guard unsafe functions.nvmlDeviceGetCurrentClocksThrottleReasons(device, &reasons) == 0
    else { return nil }
    return ClockReading(
      smMegahertz: sm, memoryMegahertz: memory, throttling: ThrottleReasons(rawValue: reasons))
  }

  /// The kernel driver's version, such as `580.159.04`; `nil` where NVML does not tell it.
  public func driverVersion() -> String? {
    // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE
    var bytes = [CChar](repeating: 0, count: 80)
    guard unsafe functions.nvmlSystemGetDriverVersion(&bytes, UInt32(bytes.count)) == 0
    else { return nil }
    return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The clock of a domain: 1 = NVML_CLOCK_SM, 2 = NVML_CLOCK_MEM.
  private func megahertz(of domain: Int32) -> Int? {
    var value: UInt32 = 0
    guard unsafe functions.nvmlDeviceGetClockInfo(device, domain, &value) == 0 else { return nil }
    return Int(value)
  }
}
