// SPDX-License-Identifier: MIT OR Apache-2.0
// All kernels for the CPU, as a library for the tests.
#include "lnr.cu"
#include "sizes.h"

// The name of a number, null behind the last one; and the number.
extern "C" const char* lnr_size_name(unsigned i) { return i < sizeof SIZES / sizeof *SIZES ? SIZES[i].name : nullptr; }
extern "C" uint64_t lnr_size(unsigned i) { return SIZES[i].value; }

#if !defined(__x86_64__)
#error "The SIMT shim switches stacks on x86-64 only"
#endif
asm(R"(
.globl lnr_simt_switch
lnr_simt_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");
