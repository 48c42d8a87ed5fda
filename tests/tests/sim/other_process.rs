//! A story of the shop runs in the same way in another process, byte for byte.

use choreography::testing::{Harness, Size, Story};
use testkit::same_in_another_process;

use crate::shop::Shop;

#[test]
fn another_process_runs_the_same_story_of_the_shop_byte_for_byte() {
    let test = "other_process::another_process_runs_the_same_story_of_the_shop_byte_for_byte";
    let contents = same_in_another_process(test, || {
        let story = Story::draw::<Shop>(4, Size { actions: 20, troubles: 6 });
        let (ended, contents) = story.run_and_show::<Shop, _>(Harness::contents);
        assert!(ended.is_ok(), "{ended:?}");
        contents.unwrap()
    });
    assert!(contents.lines().count() > 100, "{contents}");
}
