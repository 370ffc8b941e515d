import CCUDADriver
import CUDADriver

extension FakeCUDADriver {
  func fillStreams(_ table: inout CUDAFunctions) {
    unsafe table.cuStreamCreate = { stream, flags in
      unsafe self.make("cuStreamCreate", "\(flags)", .stream, stream)
    }
    unsafe table.cuStreamDestroy_v2 = { stream in
      unsafe self.release("cuStreamDestroy_v2", Self.number(stream))
    }
    unsafe table.cuStreamSynchronize = { stream in
      self.call("cuStreamSynchronize", unsafe "stream \(Self.number(stream))") { "" }
    }
    unsafe table.cuEventCreate = { event, flags in
      unsafe self.make("cuEventCreate", "\(flags)", .event, event)
    }
    unsafe table.cuEventDestroy_v2 = { event in
      unsafe self.release("cuEventDestroy_v2", Self.number(event))
    }
    unsafe table.cuEventRecord = { event, stream in
      self.call(
        "cuEventRecord", unsafe "event \(Self.number(event)), stream \(Self.number(stream))"
      ) {
        unsafe self.eventTimes[Self.number(event)] = self.busyMicroseconds
        return ""
      }
    }
    unsafe table.cuEventSynchronize = { event in
      self.call("cuEventSynchronize", unsafe "event \(Self.number(event))") { "" }
    }
    unsafe table.cuEventElapsedTime = { milliseconds, start, end in
      self.call(
        "cuEventElapsedTime", unsafe "event \(Self.number(start)), event \(Self.number(end))"
      ) {
        let from = unsafe self.eventTimes[Self.number(start)] ?? 0
        let to = unsafe self.eventTimes[Self.number(end)] ?? 0
        unsafe milliseconds.pointee = Float((to - from) / 1e3)
        return "\(to - from) µs"
      }
    }
  }

  func fillGraphs(_ table: inout CUDAFunctions) {
    unsafe table.cuStreamBeginCapture_v2 = { stream, mode in
      self.call("cuStreamBeginCapture_v2", unsafe "stream \(Self.number(stream)), \(mode)") {
        self.captured = 0
        return ""
      }
    }
    unsafe table.cuStreamEndCapture = { stream, graph in
      let launches = self.captured ?? 0
      self.captured = nil
      return unsafe self.make(
        "cuStreamEndCapture", "stream \(Self.number(stream))", .graph(launches: launches), graph)
    }
    unsafe table.cuGraphInstantiateWithFlags = { executable, graph, flags in
      var launches = 0
      if case .graph(let count) = unsafe self.live[Self.number(graph)] { launches = count }
      return unsafe self.make(
        "cuGraphInstantiateWithFlags", "graph \(Self.number(graph)), \(flags)",
        .executable(launches: launches), executable)
    }
    unsafe table.cuGraphUpload = { executable, stream in
      self.call(
        "cuGraphUpload",
        unsafe "executable graph \(Self.number(executable)), stream \(Self.number(stream))"
      ) { "" }
    }
    unsafe table.cuGraphLaunch = { executable, stream in
      self.call(
        "cuGraphLaunch",
        unsafe "executable graph \(Self.number(executable)), stream \(Self.number(stream))"
      ) {
        if case .executable(let launches) = unsafe self.live[Self.number(executable)] {
          self.busyMicroseconds += Double(launches) * self.kernelMicroseconds
        }
        return ""
      }
    }
    unsafe table.cuGraphDestroy = { graph in
      unsafe self.release("cuGraphDestroy", Self.number(graph))
    }
    unsafe table.cuGraphExecDestroy = { executable in
      unsafe self.release("cuGraphExecDestroy", Self.number(executable))
    }
  }
}
