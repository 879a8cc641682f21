package replica

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// TestWithin compares what is found for a set with a look at everything, for sets of a few ids and of all there could be, and
// inside a transaction that has changed what is found.
func TestWithin(t *testing.T) {
	fewer(t, 30)
	rapid.Check(t, func(rt *rapid.T) {
		r := openMemory(t)
		ids := rapid.SliceOfDistinct(rapid.IntRange(1, 2000), func(i int) int { return i }).Draw(rt, "ids")
		nums := map[int]Num{}
		for _, id := range ids {
			nums[id] = item(t, r, RootNum, id)
		}
		var set idset.IDSet
		for range rapid.IntRange(0, 3).Draw(rt, "ranges") {
			low := mapi.GlobCnt(rapid.IntRange(1, 2000).Draw(rt, "low"))
			high := low + mapi.GlobCnt(rapid.SampledFrom([]int{0, 5, lookUpMost - 1, lookUpMost, 1000, 1 << 40}).Draw(rt, "more"))
			set.AddRange(testGUID, idset.Range{Low: low, High: high})
		}
		set.AddRange(mapi.GUID{1}, idset.Range{Low: 1, High: mapi.MaxGlobCnt})
		compare := func(v *View) error {
			var want, got []Num
			for _, id := range ids {
				if num, ok := nums[id]; ok && set.Contains(mapi.LongTermID{GUID: testGUID, Counter: mapi.GlobCnt(id)}) {
					want = append(want, num)
				}
			}
			for n, err := range v.Within(set) {
				if err != nil {
					return err
				}
				got = append(got, n.Num)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Fatalf("%v: got %v, want %v", set, got, want)
			}
			return nil
		}
		view(t, r, compare)
		update(t, r, func(u *Update) error {
			u.Remote(true)
			for _, id := range ids[:len(ids)/2] {
				if err := u.Remove(nums[id]); err != nil {
					return err
				}
				delete(nums, id)
			}
			return compare(&u.View)
		})
	})
}
