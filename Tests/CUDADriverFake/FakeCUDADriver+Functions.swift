import CCUDADriver
public import CUDADriver

extension FakeCUDADriver {
  /// The table of functions that `CUDADriver` calls.
  public func functions() throws(CUDAError) -> CUDAFunctions {
    var table = try CUDAFunctions.unsupported()
    fillDevices(&table)
    fillMemory(&table)
    fillCopies(&table)
    fillModules(&table)
    fillStreams(&table)
    fillGraphs(&table)
    return table
  }

  private func fillDevices(_ table: inout CUDAFunctions) {
    unsafe table.cuGetErrorName = { code, text in
      // Held by the binary, so the pointer outlives every call.
      let name = Self.errorName(CUDAErrorCode(code))
      unsafe text.pointee = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(
        to: CChar.self)
      return 0
    }
    unsafe table.cuGetErrorString = { _, text in
      let words: StaticString = "as the test wished"
      unsafe text.pointee = unsafe UnsafeRawPointer(words.utf8Start).assumingMemoryBound(
        to: CChar.self)
      return 0
    }
    table.cuInit = { flags in self.call("cuInit", "\(flags)") { "" } }
    unsafe table.cuDriverGetVersion = { version in
      self.call("cuDriverGetVersion") {
        unsafe version.pointee = 13010
        return "13010"
      }
    }
    unsafe table.cuDeviceGetCount = { count in
      self.call("cuDeviceGetCount") {
        unsafe count.pointee = Int32(self.devices)
        return "\(self.devices)"
      }
    }
    unsafe table.cuDeviceGet = { device, ordinal in
      guard (0..<Int32(self.devices)).contains(ordinal) else {
        self.lines.append("cuDeviceGet(\(ordinal)) = CUDA_ERROR_INVALID_DEVICE")
        return CUDAErrorCode.invalidDevice.rawValue
      }
      return self.call("cuDeviceGet", "\(ordinal)") {
        unsafe device.pointee = ordinal
        return "device \(ordinal)"
      }
    }
    unsafe table.cuDeviceGetName = { name, capacity, device in
      self.call("cuDeviceGetName", "device \(device)") {
        unsafe Self.copy(self.deviceName, to: name, capacity)
        return self.deviceName
      }
    }
    unsafe table.cuDeviceGetPCIBusId = { identifier, capacity, device in
      self.call("cuDeviceGetPCIBusId", "device \(device)") {
        unsafe Self.copy("0000:17:00.0", to: identifier, capacity)
        return "0000:17:00.0"
      }
    }
    unsafe table.cuDeviceGetAttribute = { value, attribute, device in
      self.call("cuDeviceGetAttribute", "\(attribute), device \(device)") {
        let known: [Int32: Int32] = [16: 132, 38: self.l2Bytes, 75: 9, 76: 0, 97: 232_448]
        unsafe value.pointee = known[attribute] ?? 0
        return "\(known[attribute] ?? 0)"
      }
    }
    unsafe table.cuDeviceTotalMem_v2 = { bytes, device in
      self.call("cuDeviceTotalMem_v2", "device \(device)") {
        unsafe bytes.pointee = self.memoryBytes
        return "\(self.memoryBytes)"
      }
    }
    unsafe table.cuDevicePrimaryCtxRetain = { context, device in
      unsafe self.make("cuDevicePrimaryCtxRetain", "device \(device)", .context, context)
    }
    table.cuDevicePrimaryCtxRelease_v2 = { device in
      let context = self.live.filter { $0.value == .context }.keys.min() ?? 0
      return self.release("cuDevicePrimaryCtxRelease_v2", context)
    }
    unsafe table.cuCtxSetCurrent = { context in
      unsafe self.call(
        "cuCtxSetCurrent", context.map { unsafe "context \(Self.number($0))" } ?? "none"
      ) { "" }
    }
    table.cuCtxSynchronize = { self.call("cuCtxSynchronize") { "" } }
  }

  private static func copy(
    _ text: String, to target: UnsafeMutablePointer<CChar>, _ capacity: Int32
  ) {
    var place = 0
    for byte in text.utf8.prefix(Int(capacity) - 1) {
      unsafe target[place] = CChar(bitPattern: byte)
      place += 1
    }
    unsafe target[place] = 0
  }

  private func fillModules(_ table: inout CUDAFunctions) {
    unsafe table.cuModuleLoadData = { module, image in
      unsafe self.make("cuModuleLoadData", "an image", .module, module)
    }
    unsafe table.cuModuleUnload = { module in
      unsafe self.release("cuModuleUnload", Self.number(module))
    }
    unsafe table.cuModuleGetFunction = { function, module, name in
      let name = unsafe String(cString: name)
      return self.call("cuModuleGetFunction", unsafe "module \(Self.number(module)), \(name)") {
        // A function is no object of its own: it goes with its module.
        unsafe function.pointee = OpaquePointer(bitPattern: 1000 + Self.number(module))
        return unsafe "function \(1000 + Self.number(module))"
      }
    }
    unsafe table.cuFuncGetAttribute = { value, attribute, function in
      self.call("cuFuncGetAttribute", unsafe "\(attribute), function \(Self.number(function))") {
        unsafe value.pointee = attribute == 6 ? 90 : 128
        return "\(attribute == 6 ? 90 : 128)"
      }
    }
    unsafe table.cuFuncSetAttribute = { function, attribute, value in
      self.call(
        "cuFuncSetAttribute", unsafe "function \(Self.number(function)), \(attribute), \(value)"
      ) { "" }
    }
    unsafe table.cuLaunchKernel = {
      function, x, y, z, threads, _, _, shared, stream, slots, _ in
      let first = unsafe slots?.pointee.map { unsafe $0.load(as: UInt64.self) }
      return self.call(
        "cuLaunchKernel",
        unsafe "function \(Self.number(function)), grid \(x)x\(y)x\(z), \(threads) threads, "
          + "\(shared) bytes shared, stream \(Self.number(stream)), first argument "
          + (first.map { "\($0)" } ?? "none")
      ) {
        if let count = self.captured {
          self.captured = count + 1
        } else {
          self.busyMicroseconds += self.kernelMicroseconds
        }
        return ""
      }
    }
  }
}
