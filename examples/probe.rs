use gstlnr::{backend::cpu::Cpu, base::*, model::*, train::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let epochs: u32 = a[1].parse().unwrap();
    let lambda: f32 = a[2].parse().unwrap();
    let raw = std::fs::read("/tmp/proto/b320.rgb").unwrap();
    let n = 33;
    let f = PictureFormat::new(320, 180, Chroma::Rgb, 8);
    let pics: Vec<Picture> = (0..n)
        .map(|t| {
            let mut p = Picture::new(f).unwrap();
            for i in 0..57600 {
                for c in 0..3 {
                    p.plane_mut(c)[i] = raw[t * 57600 * 3 + i * 3 + c];
                }
            }
            p
        })
        .collect();
    let refs: Vec<&Picture> = pics.iter().collect();
    let spec = Spec {
        width: 320,
        height: 180,
        n_frames: n as u32,
        n_out: 3,
        canonical: vec![1, 2, 4, 8, 16, 32],
        cubic_up_to: 2,
        margin: 0,
        motion: TimedSpec { strides: vec![8, 16, 32], node_step: 1 },
        residual: TimedSpec { strides: vec![4, 8, 16, 32], node_step: 1 },
        d_latent: 8,
        latent_step: 1,
        hidden: 16,
        rank: 1,
    };
    let shape = spec.shape().unwrap();
    let cpu = Cpu::new(a.get(3).map_or(2, |v| v.parse().unwrap())).unwrap();
    let recipe = Recipe::new(lambda, epochs, 1);
    let t0 = std::time::Instant::now();
    let mut last = 0.0;
    let out = train(&cpu, &shape, &recipe, &refs, &mut |r| {
        if r.step % (33 * 5) == 0 || r.step == r.n_steps {
            let t = t0.elapsed().as_secs_f32();
            if t - last > 0.3 {
                eprintln!(
                    "{} {:.2} dB {:.1}s {:.2} Mpx/s",
                    r.step / 33,
                    -10.0 * r.mse.log10(),
                    t,
                    r.step as f32 * 14400.0 / t / 1e6
                );
                last = t;
            }
        }
        Ok(())
    })
    .unwrap();
    eprintln!(
        "finish {:.1}s; {:?}",
        t0.elapsed().as_secs_f32(),
        out.tensors.iter().map(|t| (t.0, t.2)).collect::<Vec<_>>()
    );
    let nz = out.symbols.iter().filter(|v| **v != 0).count();
    eprintln!("nonzero {} of {}", nz, out.symbols.len());
}
