//! What is shown fits, and says what the scene says.
use super::*;
use crate::demo::driver::{Driver, form};
use crate::demo::paint;
use crate::demo::pool::Recipe;
use crate::demo::scene::Service;
use crate::demo::script;
use crate::demo::story::Verdict;
use lifeboat_model::Pool;

fn scene(script: &str, until_s: u64, speed: f64) -> Scene {
    let recipe = Recipe { hosts: 24, vms: 240, seed: 1 };
    let pool = Pool::new(&recipe.pool()).expect("the recipe's pools are right");
    let script = script::parse(script, &pool).expect("it is a script");
    let mut driver = Driver::new(form(pool, 1).expect("a healthy pool forms"), script);
    driver.advance(Duration::from_secs(until_s));
    let verdict = Verdict {
        proven: Some(4),
        refuted: Some(5),
        target: 2,
        effective_target: 2,
        overcommitted: false,
        witness: None,
        took: Duration::from_micros(420),
        revision: 1,
    };
    let service = Service { url: "http://127.0.0.1:7878".to_owned(), speed, late: false };
    driver.scene(Some(verdict), &service)
}

fn text(scene: &Scene, columns: usize, rows: usize) -> Vec<String> {
    draw(scene, Size { columns, rows }).iter().map(paint::plain).collect()
}

#[test]
fn every_size_gets_as_many_rows_as_it_has_and_none_that_is_longer() {
    let scene = scene("at 5s kill h07; at 6s split h01-h12 / rest", 40, 1.0);
    for (columns, rows) in [(80, 22), (100, 40), (160, 30), (60, 16), (250, 70)] {
        let shown = text(&scene, columns, rows);
        assert_eq!(shown.len(), rows, "{columns} × {rows}");
        let longest = shown.iter().map(|row| row.chars().count()).max().unwrap_or(0);
        assert!(longest <= columns, "{longest} of {columns}");
    }
}

#[test]
fn the_usual_terminal_shows_every_host_and_the_whole_header() {
    let pool = Pool::new(&Recipe::default().pool()).expect("the recipe's pools are right");
    let mut driver = Driver::new(form(pool, 1).expect("a healthy pool forms"), Vec::new());
    driver.advance(Duration::from_secs(1));
    let service = Service { url: "http://127.0.0.1:7878".to_owned(), speed: 1.0, late: false };
    let mut scene = driver.scene(None, &service);
    scene.verdict = self::scene("", 1, 1.0).verdict;
    let shown = text(&scene, 80, 22);
    for host in &scene.hosts {
        assert!(shown.iter().any(|row| row.contains(&format!(" {}", host.name))), "{}", host.name);
    }
    assert!(shown[0].ends_with("7878") && shown[1].ends_with("(420 µs)"), "{shown:#?}");
    assert!(shown[2].ends_with("coordinator h01"), "{}", shown[2]);
    assert!(shown.last().is_some_and(|row| row.ends_with("help")), "{:?}", shown.last());
}

#[test]
fn the_header_says_how_the_pool_stands_and_the_foot_what_to_try() {
    let shown = text(&scene("", 5, 4.0), 80, 24);
    assert!(shown[0].contains("24 hosts, 240 VMs") && shown[0].contains("00:05 ×4"), "{}", shown[0]);
    assert!(shown[1].starts_with("tolerance 4, target 2: protected"), "{}", shown[1]);
    assert!(shown[2].starts_with("protected "), "{}", shown[2]);
    let foot = shown.last().expect("there are rows");
    assert!(
        foot.contains("kill h07") && foot.contains("kill coordinator") && foot.contains("help"),
        "{foot}"
    );
}

#[test]
fn a_host_shows_what_has_become_of_it_in_words_not_by_colour_alone() {
    let hosts = |script: &str, until_s| text(&scene(script, until_s, 1.0), 100, 30).join("\n");
    assert!(hosts("at 5s kill h07", 6).contains("h07 off?"));
    let fenced = hosts("at 5s kill h07", 30);
    assert!(fenced.contains("h07 off") && fenced.contains("off: without power"), "{fenced}");
    assert!(hosts("at 5s kill h07; at 30s revive h07", 32).contains("h07 boot"));
    assert!(hosts("at 5s split h09", 6).contains("h09 ≠"));
    assert!(hosts("at 5s storage-loss h10", 6).contains("h10 !"));
    assert!(hosts("at 5s disable h11", 7).contains("h11 -"));
}

#[test]
fn the_story_stands_beside_the_hosts_where_there_is_room() {
    let scene = scene("at 5s kill h07", 30, 1.0);
    let beside = |row: &String| row.contains("rack-") && row.contains(" s ");
    assert!(!text(&scene, 100, 40).iter().any(beside));
    assert!(text(&scene, 160, 30).iter().any(beside), "{:#?}", text(&scene, 160, 30));
}

#[test]
fn a_picture_has_every_word_of_the_rows_and_is_well_formed() {
    let rows = draw(&scene("at 5s kill h07", 30, 1.0), Size { columns: 100, rows: 34 });
    let svg = paint::svg(&rows, 100, "a <demo>");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && svg.contains("a &lt;demo&gt;"));
    assert_eq!(svg.matches("<text ").count(), svg.matches("</text>").count());
    for word in ["lifeboat", "off", "h07"] {
        let in_rows = rows.iter().any(|row| paint::plain(row).contains(word));
        assert_eq!(in_rows, svg.contains(word), "{word}");
    }
}
