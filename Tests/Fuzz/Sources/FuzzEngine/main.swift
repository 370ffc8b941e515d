import ConfigurationFiles
import Fuzzing

Fuzzing.run { bytes in _ = try? EngineFile.parse(bytes: bytes, path: "fuzz") }
