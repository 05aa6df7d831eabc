use gstlnr::{base::*, codec::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (q, epochs, threads): (f32, u32, usize) =
        (a[1].parse().unwrap(), a[2].parse().unwrap(), a[3].parse().unwrap());
    let (path, w, h, start, n): (&str, usize, usize, usize, usize) = (
        &a[4],
        a[5].parse().unwrap(),
        a[6].parse().unwrap(),
        a[7].parse().unwrap(),
        a[8].parse().unwrap(),
    );
    let raw = std::fs::read(path).unwrap();
    let f = PictureFormat::new(w as u32, h as u32, Chroma::Rgb, 8);
    let mut c = EncoderConfig::new(f);
    c.rate_control =
        if q < 0.0 { RateControl::Bitrate(-q as u32) } else { RateControl::Quality(q) };
    c.epochs = epochs;
    c.threads = threads;
    c.frame_rate = (25, 1);
    let mut e = Encoder::new(c).unwrap();
    let t0 = std::time::Instant::now();
    let mut last = 0.0f32;
    let mut units = vec![];
    for t in start..start + n {
        let mut p = Picture::new(f).unwrap();
        for i in 0..w * h {
            for c in 0..3 {
                p.plane_mut(c)[i] = raw[t * w * h * 3 + i * 3 + c];
            }
        }
        let mut rep = |r: &Progress| {
            if r.elapsed - last > 3.0 || r.iteration == 33 * 20 || r.elapsed < last {
                last = r.elapsed;
                eprintln!(
                    "{} {}/{} {:.2} dB {:.1}s {:.2} Mpx/s",
                    r.group,
                    r.iteration,
                    r.n_iterations,
                    r.psnr,
                    r.elapsed,
                    r.iteration as f32 * (w * h / 4) as f32 / r.elapsed / 1e6
                );
            }
        };
        let mut ctl = Control { cancel: CancelFlag::default(), progress: Some(&mut rep) };
        units.extend(
            e.push(
                InputFrame {
                    picture: p,
                    pts: (t - start) as u64 * 40_000_000,
                    duration: 40_000_000,
                    force_key: false,
                },
                &mut ctl,
            )
            .unwrap(),
        );
    }
    units.extend(e.finish(&mut Control::default()).unwrap());
    let s = e.stats();
    println!(
        "{q} {epochs}: {} groups {} frames {} bytes {:.4} bpp {:.3} dB {:.1} s",
        s.groups,
        s.frames,
        s.bytes,
        s.bytes as f64 * 8.0 / (w * h * n) as f64,
        s.psnr,
        t0.elapsed().as_secs_f32()
    );
    let mut d = Decoder::new(DecoderConfig { threads, ..Default::default() }).unwrap();
    let t0 = std::time::Instant::now();
    let mut push = 0.0;
    let mut out = Picture::new(f).unwrap();
    for u in &units {
        let t1 = std::time::Instant::now();
        let sh = d.push(&u.data).unwrap();
        push += t1.elapsed().as_secs_f32();
        d.render(sh.tau, &mut out).unwrap();
    }
    println!("decode {:.1} fps (push {:.3} s)", n as f32 / t0.elapsed().as_secs_f32(), push);
    let mut out = Picture::new(f.resized(1280, 720)).unwrap();
    let t0 = std::time::Instant::now();
    for u in &units {
        let sh = d.push(&u.data).unwrap();
        d.render(sh.tau, &mut out).unwrap();
    }
    println!("decode 720p {:.1} fps", n as f32 / t0.elapsed().as_secs_f32());
}
