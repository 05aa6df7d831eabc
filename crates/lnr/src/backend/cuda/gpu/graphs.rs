// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps that were recorded, as graphs that can be run again.

use std::sync::{Mutex, PoisonError};

use cudarc::driver::CudaStream;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUresult};

/// Graphs that are kept: steps with and without rate, with and without gradients.
const MAX_GRAPHS: usize = 4;

/// A graph that was made ready to run, and the kernels it runs, in order.
struct Graph {
    handle: sys::CUgraphExec,
    kernels: Vec<&'static str>,
}

// SAFETY: the handle is used under the lock of [`Graphs`] only.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the handle came from instantiation and is dropped once. A lost device has lost the
        // graph as well, so that an error says nothing new.
        let _ = unsafe { result::graph::exec_destroy(self.handle) };
    }
}

/// What a stream has recorded.
pub struct Recorded {
    graph: sys::CUgraph,
    kernels: Vec<&'static str>,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // SAFETY: the graph came from a recording and is destroyed once.
        let _ = unsafe { result::graph::destroy(self.graph) };
    }
}

impl Recorded {
    /// What `graph` holds, which a stream made and nobody else has: these kernels, in this order.
    pub fn new(graph: sys::CUgraph, kernels: Vec<&'static str>) -> Self {
        Self { graph, kernels }
    }
}

/// The graphs of earlier steps.
#[derive(Default)]
pub struct Graphs(Mutex<Vec<Graph>>);

impl Graphs {
    /// Runs what was recorded: in the graph of an earlier step where that has the same kernels in
    /// the same order, else in a new one.
    pub fn run(
        &self,
        recorded: Recorded,
        stream: &CudaStream,
    ) -> std::result::Result<(), DriverError> {
        let mut graphs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |exec: &Graph| {
            let (mut info, graph) = (std::mem::MaybeUninit::uninit(), recorded.graph);
            // SAFETY: both handles are alive, and the driver writes what it has to say to `info`.
            let status =
                unsafe { sys::cuGraphExecUpdate_v2(exec.handle, graph, info.as_mut_ptr()) };
            status == CUresult::CUDA_SUCCESS
        };
        let known = graphs.iter().position(|g| g.kernels == recorded.kernels);
        let known = match known {
            Some(at) if !fits(&graphs[at]) => {
                graphs.remove(at);
                None
            }
            known => known,
        };
        let at = match known {
            Some(at) => at,
            None => {
                let flags = sys::CUgraphInstantiate_flags(0);
                // SAFETY: the graph is alive; what comes of it owns all it needs.
                let handle = unsafe { result::graph::instantiate(recorded.graph, flags) }?;
                if graphs.len() == MAX_GRAPHS {
                    graphs.remove(0);
                }
                graphs.push(Graph { handle, kernels: recorded.kernels.clone() });
                graphs.len() - 1
            }
        };
        // SAFETY: the graph's kernels work on memory that lives until the stream has finished, as
        // kernels that are launched one by one do.
        unsafe { result::graph::launch(graphs[at].handle, stream.cu_stream()) }
    }
}
