import CUDADriver
import Testing

@Suite("Clocks are read where NVML is there, and missed where it is not")
struct GPUClocksTests {
  @Test("a machine without NVML gives no clocks and no error")
  func absent() {
    #expect(NVMLFunctions.load(path: "/no/libnvidia-ml.so.1") == nil)
    #expect(NVMLFunctions.load(path: "libm.so.6") == nil)
    let clocks = GPUClocks(busIdentifier: "0000:17:00.0", functions: nil)
    let isAbsent = clocks == nil
    #expect(isAbsent)
  }

  @Test("clocks and reasons are those that NVML tells, and NVML is shut down once for each start")
  func present() throws {
    var started = 0
    var failing = false
    let functions = unsafe NVMLFunctions(
      nvmlInit: {
        started += 1
        return 0
      },
      nvmlShutdown: {
        started -= 1
        return 0
      },
      nvmlSystemGetDriverVersion: { _, _ in 999 },
      nvmlDeviceGetHandleByPciBusId: { _, device in
        unsafe device.pointee = OpaquePointer(bitPattern: 5)
        return failing ? 6 : 0
      },
      nvmlDeviceGetClockInfo: { _, domain, megahertz in
        unsafe megahertz.pointee = domain == 1 ? 1980 : 3201
        return 0
      },
      nvmlDeviceGetCurrentClocksThrottleReasons: { _, reasons in
        unsafe reasons.pointee = 0x24
        return 0
      })
    do {
      let clocks = GPUClocks(busIdentifier: "0000:17:00.0", functions: functions)
      let reading = clocks?.reading()
      #expect(
        reading
          == ClockReading(
            smMegahertz: 1980, memoryMegahertz: 3201, throttling: [.powerCap, .thermalSlowdown]))
      #expect(reading?.throttling.isDisjoint(with: .disturbing) == false)
      #expect(clocks?.driverVersion() == nil)
      #expect(started == 1)
    }
    #expect(started == 0)
    failing = true
    let refused = GPUClocks(busIdentifier: "0000:17:00.0", functions: functions) == nil
    #expect(refused && started == 0)
  }
}
